import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { otherEc2 } from './testing/other-ec2.ts'

const folder = mkdtempSync(join(tmpdir(), 'other-ec2-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const given = (skips: string) => {
  const path = join(folder, 'skips.json')
  writeFileSync(path, skips)
  return { RECORE_TEST_EC2_ENDPOINT: 'http://127.0.0.1:5000', RECORE_TEST_EC2_SKIPS: path }
}

test('without an address there is none; with one there is, and its list of skips is read', () => {
  expect(otherEc2({})).toBeNull()
  expect(otherEc2(given('{"14": "no images"}'))).toMatchObject({ region: 'us-east-1', skips: { 14: 'no images' } })
})

test.each(['[]', '{"x": "y"}', '{"3": 4}'])('a list of skips that is none is refused: %s', skips => {
  expect(() => otherEc2(given(skips))).toThrow(/RECORE_TEST_EC2_SKIPS.*allowed/)
})

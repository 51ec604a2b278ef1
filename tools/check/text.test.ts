import { expect, test } from '@jest/globals'
import { textFindings } from './text.ts'

test.each([
  ['README.md', `see https://${['registry', 'npmjs', 'org'].join('.')}/x`, 'registry'],
  ['package-lock.json', '"resolved": "https://example.org/x.tgz"', 'registry'],
  ['docs/a.md', ['kept in ', 'root', 'project'].join('/'), 'one machine'],
  ['libs/a.ts', "const folder = '/home/anna/re-ops'", 'one machine'],
  ['libs/a.ts', '// oxlint-disable-next-line', 'rule off'],
  ['libs/a.ts', '// TODO: later', 'work behind'],
  ['libs/a.ts', '<<<<<<< ours\n', 'conflict'],
])('%s with %s is a finding', (path, text, why) => {
  expect(textFindings(path, `first line\n${text}`)).toEqual([expect.stringContaining(why)])
  expect(textFindings(path, `first line\n${text}`)[0]).toContain(`${path}:2`)
})

test.each([
  ['README.md', 'see https://www.npmjs.com/package/zeromq'],
  ['libs/a.ts', "const path = '/proc/self/root/etc'; const other = './work/x'"],
  ['libs/a.ts', '// its own words'],
])('%s with %s is none', (path, text) => {
  expect(textFindings(path, text)).toEqual([])
})

import { expect, test } from '@jest/globals'
import { inShort } from './index.ts'

test('names in short: the family that was meant, else families', () => {
  const names = ['disk', 'disk.swap', 'file.read', 'file.write', 'ping', 'time.get']
  expect(inShort(names)).toEqual(['disk', 'disk.swap', 'file.*', 'ping', 'time.get'])
  expect(inShort(names, 'file.raed')).toEqual(['file.read', 'file.write'])
  expect(inShort(names, 'disk.x')).toEqual(['disk', 'disk.swap'])
  expect(inShort(names, 'nope.x')).toEqual(inShort(names))
})

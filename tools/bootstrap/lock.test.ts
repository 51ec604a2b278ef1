import { expect, test } from '@jest/globals'
import { completed, missingFrom, platformOf } from './lock.mjs'

test.each([
  ['@nx/nx-darwin-arm64', { os: ['darwin'], cpu: ['arm64'] }],
  ['@oxlint/binding-linux-x64-musl', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }],
  ['@oxlint/binding-win32-ia32-msvc', { os: ['win32'], cpu: ['ia32'] }],
  ['@unrs/resolver-binding-linux-arm-gnueabihf', { os: ['linux'], cpu: ['arm'], libc: ['glibc'] }],
  ['@oxlint-tsgolint/linux-arm64', { os: ['linux'], cpu: ['arm64'] }],
  ['fsevents', null],
])('the platform of %s', (name, platform) => {
  expect(platformOf(name)).toEqual(platform)
})

test('what a mirror left out of the lock is added once, optional and pinned', () => {
  const packages = {
    '': {},
    'node_modules/a': {
      version: '1.0.0',
      dev: true,
      optionalDependencies: { 'a-linux-x64': '1.0.0', 'a-darwin-x64': '1.0.0', 'not-of-a-platform': '1.0.0' },
    },
    'node_modules/a-linux-x64': { version: '1.0.0', optional: true },
  }
  expect(missingFrom(packages).map(({ name }) => name)).toEqual(['a-darwin-x64'])
  const whole = completed(packages)
  expect(whole['node_modules/a-darwin-x64']).toMatchObject({
    version: '1.0.0',
    dev: true,
    optional: true,
    os: ['darwin'],
  })
  expect(missingFrom(whole)).toEqual([])
})

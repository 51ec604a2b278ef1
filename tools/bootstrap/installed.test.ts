import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { isInstalled, packageCount, satisfies } from './installed.mjs'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'reops-bootstrap-'))
  mkdirSync(join(root, 'node_modules'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const lock = (packages: object) => writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }))
const installed = (packages: object) =>
  writeFileSync(join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages }))

test('nothing installed, or an older version, is not installed; the same is, also after an install by hand', () => {
  lock({ '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/win': { version: '1.0.0', optional: true } })
  expect(isInstalled(root)).toBe(false)
  installed({ 'node_modules/a': { version: '0.9.0' } })
  expect(isInstalled(root)).toBe(false)
  installed({ 'node_modules/a': { version: '1.0.0' } })
  expect(isInstalled(root)).toBe(true)
  expect(isInstalled(root)).toBe(true)
  expect(packageCount(root)).toBe(1)
})

test('a lock that changed after the install is noticed', () => {
  lock({ 'node_modules/a': { version: '1.0.0' } })
  installed({ 'node_modules/a': { version: '1.0.0' } })
  expect(isInstalled(root)).toBe(true)
  lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0' } })
  expect(isInstalled(root)).toBe(false)
})

test('only packages count, and optional ones may be absent', () => {
  expect(
    satisfies({ '': {}, 'apps/x': { version: '1' }, 'node_modules/o': { optional: true, version: '1' } }, {}),
  ).toBe(true)
  expect(satisfies({ 'node_modules/a': { version: '1' } }, {})).toBe(false)
})

test('the product may be installed without what only tests and tools need', () => {
  lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/jest': { version: '1.0.0', dev: true } })
  installed({ 'node_modules/a': { version: '1.0.0' } })
  expect(isInstalled(root, 'product')).toBe(true)
  expect(isInstalled(root)).toBe(false)
  installed({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/jest': { version: '1.0.0' } })
  expect(isInstalled(root)).toBe(true)
})

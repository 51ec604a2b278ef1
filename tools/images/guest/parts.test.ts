import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { cpio, fileMode, folderMode } from './cpio.ts'
import { givenImage } from './given.ts'
import { makeImage } from './make.ts'
import { modulesFor } from './modules.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-parts-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const silent = () => undefined
const wish = (what: string, more: object = {}) =>
  makeImage({ what, folder, cache: join(folder, 'cache'), onLine: silent, ...more })

test('an archive has its entries on four-byte bounds and ends with its trailer', () => {
  const bytes = cpio([
    { path: 'bin', mode: folderMode },
    { path: 'bin/a', mode: fileMode, bytes: Buffer.from('hello') },
  ])
  expect(bytes.length % 4).toBe(0)
  const at = bytes.indexOf('bin/a\0')
  expect(bytes.toString('latin1', at - 110, at - 104)).toBe('070701')
  expect(Number.parseInt(bytes.toString('latin1', at - 110 + 54, at - 110 + 62), 16)).toBe(5)
  const content = at - 110 + Math.ceil((110 + 6) / 4) * 4
  expect(bytes.toString('latin1', content, content + 5)).toBe('hello')
  expect(bytes.includes('TRAILER!!!\0')).toBe(true)
})

test('modules come after what they need; built-in ones are left out; one that is missing is named', () => {
  const kernel = join(folder, 'kernel')
  mkdirSync(join(kernel, 'drivers'), { recursive: true })
  const module = (name: string, depends: string) =>
    writeFileSync(join(kernel, 'drivers', `${name}.ko`), `ELF\0license=GPL\0depends=${depends}\0name=${name}\0`)
  module('virtio-net', 'virtio,net_failover')
  module('net_failover', 'virtio')
  module('virtio', '')
  writeFileSync(join(kernel, 'modules.builtin'), 'kernel/fs/ext4/ext4.ko\n')
  expect(modulesFor(kernel, ['virtio_net', 'ext4']).map(one => one.name)).toEqual([
    'virtio',
    'net_failover',
    'virtio_net',
  ])
  expect(() => modulesFor(kernel, ['floppy'])).toThrow('has no module floppy')
})

test('an image of one’s own is told by its first bytes', async () => {
  const path = join(folder, 'own.img')
  writeFileSync(path, Buffer.concat([Buffer.from('QFI\u00fb', 'latin1'), Buffer.alloc(600)]))
  expect(await wish(path)).toEqual({ own: { path, format: 'qcow2', title: 'own.img' } })
  const raw = Buffer.alloc(1_024)
  raw.writeUInt16LE(0xaa55, 510)
  writeFileSync(path, raw)
  expect(await givenImage(path)).toMatchObject({ format: 'raw' })
  writeFileSync(path, Buffer.alloc(1_024))
  await expect(givenImage(path)).rejects.toThrow('neither a qcow2 nor a disk')
  await expect(wish(join(folder, 'nothing'))).rejects.toThrow('allowed: fast, debian, a path, an http(s) URL')
})

test('nothing is fetched without the digest it must have', async () => {
  await expect(wish('http://127.0.0.1:1/debian.qcow2')).rejects.toThrow('--sha256 is required')
  await expect(wish('http://127.0.0.1:1/debian.qcow2', { sha256: 'ab'.repeat(32) })).rejects.toThrow('is not reached')
})

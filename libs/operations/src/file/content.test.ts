import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { fileLimits } from '@re-ops/protocols'
import type { Contents } from '../dialogue.ts'
import { hashOf, memory, runHere } from '../testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'reops-content-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { chunkBytes } = fileLimits
let count = 0
const own = () => mkdtempSync(join(folder, `${(count += 1)}-`))
const push = async (contents: Contents, bytes: Buffer, input: { path: string }) =>
  (await runHere('file.push', { hash: hashOf(bytes), size: bytes.length, ...input }, process.env, contents)).result

describe('file.push', () => {
  test.each([0, 1, 65_535, 65_536, chunkBytes, chunkBytes + 1, 2 * chunkBytes + 65_537])(
    'a content of %i bytes arrives, with its mode; the same again sends nothing',
    async size => {
      const bytes = randomBytes(size)
      const path = join(own(), "it's a file")
      const { contents, told } = memory([bytes])
      const input = { path, mode: '0640' }
      expect(await push(contents, bytes, input)).toMatchObject({
        ok: true,
        value: { changed: true, bytes: size, transferred: size, hash: hashOf(bytes), mode: '0640' },
      })
      expect(readFileSync(path).equals(bytes)).toBe(true)
      expect(statSync(path).mode & 0o7777).toBe(0o640)
      expect(await push(contents, bytes, input)).toMatchObject({ ok: true, value: { changed: false, transferred: 0 } })
      expect(told.asked.length).toBe(1)
      expect(readdirSync(join(path, '..'))).toEqual(["it's a file"])
    },
  )
  test('cut off at any byte, the next try goes on from the last whole chunk, and the file is whole', async () => {
    const bytes = randomBytes(3 * chunkBytes + 12_345)
    for (let round = 0; round < 6; round += 1) {
      const path = join(own(), 'file')
      writeFileSync(path, 'before')
      const breakAt = Math.floor(Math.random() * bytes.length)
      const { contents, told } = memory([bytes], { breakAt })
      const first = await push(contents, bytes, { path })
      expect(first).toMatchObject({
        ok: false,
        failure: { code: 75, message: expect.stringContaining('the chunk is damaged') },
      })
      expect(readFileSync(path, 'utf8')).toBe('before')
      const from = Math.floor(breakAt / chunkBytes) * chunkBytes
      expect(await push(contents, bytes, { path })).toMatchObject({
        ok: true,
        value: { transferred: bytes.length - from },
      })
      expect(told.asked[1]).toEqual({ from, prefix: from === 0 ? undefined : hashOf(bytes.subarray(0, from)) })
      expect(readFileSync(path).equals(bytes)).toBe(true)
      expect(readdirSync(join(path, '..'))).toEqual(['file'])
    }
  }, 60_000)
  test('what an earlier try left and is another is not built upon', async () => {
    const bytes = randomBytes(2 * chunkBytes)
    const path = join(own(), 'file')
    writeFileSync(`${path.slice(0, -5)}/.reops-${hashOf(bytes)}.999999999`, randomBytes(chunkBytes))
    const { contents } = memory([bytes])
    expect(await push(contents, bytes, { path })).toMatchObject({ ok: true, value: { transferred: bytes.length } })
    expect(readFileSync(path).equals(bytes)).toBe(true)
    expect(readdirSync(join(path, '..'))).toEqual(['file'])
  })
  test('a damaged content replaces nothing and leaves nothing', async () => {
    const bytes = randomBytes(100_000)
    const path = join(own(), 'file')
    const { contents } = memory([bytes], { damage: true })
    const result = await push(contents, bytes, { path })
    expect(result).toMatchObject({
      ok: false,
      failure: { kind: 'exit', message: expect.stringContaining('its hash is another') },
    })
    expect(readdirSync(join(path, '..'))).toEqual([])
  })
  test.each([
    ['a folder', (at: string) => at, 'is a folder'],
    ['a folder that is not there', (at: string) => join(at, 'no/file'), 'there is no folder'],
    ['a device', () => '/dev/null', 'neither a file nor a link'],
  ])('%s is refused and says why', async (_, pathIn, why) => {
    const bytes = randomBytes(10)
    const result = await push(memory([bytes]).contents, bytes, { path: pathIn(own()) })
    expect(result).toMatchObject({ ok: false, failure: { message: expect.stringContaining(why) } })
  })
  test('a link stays, what it points at changes; a content that is gone leaves all as it was', async () => {
    const at = own()
    const bytes = randomBytes(1000)
    writeFileSync(join(at, 'real'), 'before')
    symlinkSync('real', join(at, 'link'))
    const gone = await push(memory([]).contents, bytes, { path: join(at, 'link') })
    expect(gone).toMatchObject({ ok: false, failure: { message: expect.stringContaining('there is no such content') } })
    expect(readFileSync(join(at, 'real'), 'utf8')).toBe('before')
    expect(await push(memory([bytes]).contents, bytes, { path: join(at, 'link') })).toMatchObject({ ok: true })
    expect(readFileSync(join(at, 'real')).equals(bytes)).toBe(true)
    expect(readdirSync(at).toSorted()).toEqual(['link', 'real'])
  })
})

describe('file.pull', () => {
  test.each([0, 1, 100_000, 1_000_000])(
    'a file of %i bytes is given whole, or not at all when it is there',
    async size => {
      const path = join(own(), 'file')
      const bytes = randomBytes(size)
      writeFileSync(path, bytes, { mode: 0o600 })
      const { contents, told } = memory([])
      const { result } = await runHere('file.pull', { path }, process.env, contents)
      expect(result).toMatchObject({
        ok: true,
        value: { hash: hashOf(bytes), bytes: size, transferred: size, mode: '0600' },
      })
      expect(told.given.map(hashOf)).toEqual([hashOf(bytes)])
      const again = await runHere('file.pull', { path }, process.env, memory([bytes]).contents)
      expect(again.result).toMatchObject({ ok: true, value: { transferred: 0 } })
    },
  )
})

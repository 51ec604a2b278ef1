import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { hashOf, memory, runHere } from '../testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'reops-folders-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let count = 0
const own = () => mkdtempSync(join(folder, `${(count += 1)}-`))

const make = (at: string, files: Readonly<Record<string, Buffer>>) => {
  for (const [path, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(at, path)), { recursive: true })
    writeFileSync(join(at, path), bytes)
  }
}
/** What is in a folder: content of files, `-> target` of links, mode of folders. */
const look = (at: string, below = ''): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(at, below)).flatMap(name => {
      const path = below === '' ? name : `${below}/${name}`
      const stat = lstatSync(join(at, path))
      const mode = (stat.mode & 0o7777).toString(8)
      if (stat.isSymbolicLink()) return [[path, `-> ${readlinkSync(join(at, path))}`]]
      if (stat.isDirectory()) return [[path, `folder ${mode}`], ...Object.entries(look(at, path))]
      return [[path, `${mode} ${hashOf(readFileSync(join(at, path)))}`]]
    }),
  )

const strange = ["it's", 'a b', ' lead', 'trail ', '-dash', 'back\\slash', 'ümlaut', '*', 'tab\tin it', '$x `y`']

test('a folder that is pulled and synced elsewhere is the same, whatever its names are; again nothing differs', async () => {
  const from = own()
  const files = Object.fromEntries(strange.map((name, n) => [`d/${name}`, randomBytes(n * 10_000)]))
  make(from, { ...files, 'd/e/f/deep': randomBytes(900_000), 'twice-1': Buffer.from('x'), 'twice-2': Buffer.from('x') })
  mkdirSync(join(from, 'empty'), { mode: 0o700 })
  chmodSync(join(from, 'twice-1'), 0o755)
  symlinkSync('d/e', join(from, 'link'))
  symlinkSync('no/such', join(from, 'd/dangling'))
  const { contents, told } = memory([])
  const pulled = await runHere('folder.pull', { path: from }, process.env, contents)
  expect(pulled.result).toMatchObject({ ok: true, value: { files: strange.length + 3 } })
  const { tree } = (pulled.result as { value: { tree: string } }).value
  const list = told.given.find(one => hashOf(one) === tree) as Buffer
  const to = join(own(), 'there')
  const sync = async (more: object = {}) => {
    const service = memory(told.given)
    const input = { path: to, tree, size: list.length, ...more }
    const { result, left } = await runHere('folder.sync', input, process.env, service.contents)
    return { result, left, asked: service.told.asked.length }
  }
  const dry = await sync({ dry: true })
  expect(dry.result).toMatchObject({ ok: true, value: { changed: false, wouldChange: true } })
  expect(readdirSync(dirname(to))).toEqual([])
  const first = await sync()
  expect(first.left.stderr).toBe('')
  expect(first.result).toMatchObject({ ok: true, value: { changed: true, tree } })
  expect(look(to)).toEqual(look(from))
  const again = await sync({ delete: true })
  expect(again.result).toMatchObject({ ok: true, value: { changed: false, changes: [] } })
  expect(again.asked).toBe(1) // the list alone
  expect(look(to)).toEqual(look(from))

  writeFileSync(join(to, 'd/a b'), 'changed')
  rmSync(join(to, 'link'))
  chmodSync(join(to, 'twice-1'), 0o600)
  make(to, { 'extra/more/file': Buffer.from('y'), 'd/extra': Buffer.from('z') })
  const kept = await sync()
  expect(kept.result).toMatchObject({
    ok: true,
    value: { changes: ['content of d/a b', 'link link to d/e', expect.stringContaining('mode of')] },
  })
  const shown = await sync({ delete: true, dry: true })
  expect(shown.result).toMatchObject({
    value: { changes: ['delete d/extra', 'delete extra'], wouldChange: true },
  })
  expect((await sync({ delete: true })).result).toMatchObject({
    value: { changes: ['delete d/extra', 'delete extra'] },
  })
  expect(look(to)).toEqual(look(from))
}, 60_000)

test('what stands in the way is a failure, or replaced with delete; a link is never followed', async () => {
  const [to, elsewhere] = [own(), own()]
  const bytes = Buffer.from('content')
  const list = Buffer.from(`d 0755 - - sub\nf 0644 ${hashOf(bytes)} ${bytes.length} sub/file\n`)
  const sync = async (more: object = {}, of = list) =>
    (
      await runHere(
        'folder.sync',
        { path: to, tree: hashOf(of), size: of.length, ...more },
        process.env,
        memory([of, bytes]).contents,
      )
    ).result
  symlinkSync(elsewhere, join(to, 'sub'))
  expect(await sync()).toMatchObject({ ok: true })
  expect(readdirSync(elsewhere)).toEqual([])
  expect(readFileSync(join(to, 'sub/file'), 'utf8')).toBe('content')
  rmSync(join(to, 'sub/file'))
  make(to, { 'sub/file/in it': bytes })
  expect(await sync()).toMatchObject({
    ok: false,
    failure: { message: expect.stringContaining('is to be something else') },
  })
  expect(await sync({ delete: true })).toMatchObject({ ok: true })
  expect(statSync(join(to, 'sub/file')).isFile()).toBe(true)
  const hostile = Buffer.from(`f 0644 ${hashOf(bytes)} ${bytes.length} ../outside\n`)
  expect(await sync({}, hostile)).toMatchObject({
    ok: false,
    failure: { message: expect.stringContaining('../outside') },
  })
  expect(readdirSync(folder)).not.toContain('outside')
  expect(look(to)).toEqual({ sub: 'folder 755', 'sub/file': `644 ${hashOf(bytes)}` })
}, 30_000)

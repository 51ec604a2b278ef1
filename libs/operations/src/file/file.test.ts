import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Change } from '../change.ts'
import { runHere, valueHere } from '../testing.ts'

/** busybox as the only programs there are, where this machine has one: its sh, stat, find, awk and all. */
const busyboxPath = (): string | null => {
  const program = spawnSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).stdout.trim()
  if (program === '') return null
  const folder = mkdtempSync(join(tmpdir(), 'reops-busybox-'))
  for (const name of spawnSync(program, ['--list'], { encoding: 'utf8' }).stdout.trim().split('\n'))
    symlinkSync(program, join(folder, name))
  return folder
}
const busybox = busyboxPath()
afterAll(() => {
  if (busybox !== null) rmSync(busybox, { recursive: true, force: true })
})
const programs: [string, NodeJS.ProcessEnv][] = [
  ['the programs of this machine', process.env],
  ...(busybox === null ? [] : ([['busybox', { ...process.env, PATH: busybox }]] as [string, NodeJS.ProcessEnv][])),
]

/** Every name that could mean something to a shell. */
const odd = 'a b\'c"d$(touch pwned)`touch pwned`;touch pwned;#*?[x]\\ -e é'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reops-file-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8)

describe.each(programs)('with %s', (_name, env) => {
  const change = (name: string, input: object) => valueHere<Change>(name, input, env)
  const failure = async (name: string, input: object) => {
    const { result } = await runHere(name, input, env)
    return result.ok ? 'it is ok' : result.failure.message
  }

  test('file.write: only what differs is written; dry writes nothing; the mode stays unless told', async () => {
    const path = join(folder, odd)
    const input = { path, content: "one\n'two' $x \\n\n", mode: '0640' }
    expect(await change('file.write', { ...input, dry: true })).toMatchObject({ changed: false, wouldChange: true })
    expect(existsSync(path)).toBe(false)
    expect(await change('file.write', input)).toMatchObject({ changed: true })
    expect(readFileSync(path, 'utf8')).toBe(input.content)
    expect(mode(path)).toBe('640')
    expect(await change('file.write', input)).toEqual({ changed: false, changes: [] })
    expect(await change('file.write', { path, content: 'AP8=', encoding: 'base64' })).toMatchObject({ changed: true })
    expect([...readFileSync(path)]).toEqual([0, 255])
    expect(mode(path)).toBe('640')
    expect(spawnSync('ls', ['-A', folder], { encoding: 'utf8' }).stdout.trim().split('\n')).toHaveLength(1)
  })

  test('file.write through a link writes what it points at; a folder is made only when told', async () => {
    writeFileSync(join(folder, 'real'), 'x')
    symlinkSync('real', join(folder, 'link'))
    await change('file.write', { path: join(folder, 'link'), content: 'y' })
    expect(readlinkSync(join(folder, 'link'))).toBe('real')
    expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('y')
    const path = join(folder, 'new/er/file')
    expect(await failure('file.write', { path, content: '' })).toMatch(/No such file/)
    expect(await change('file.write', { path, content: '', parents: true })).toMatchObject({ changed: true })
    expect(readFileSync(path, 'utf8')).toBe('')
  })

  test('file.read gives back what file.write wrote, in parts too', async () => {
    const path = join(folder, odd)
    const content = 'äöü€\u{1f600}'.repeat(100)
    await change('file.write', { path, content })
    expect(await valueHere('file.read', { path }, env)).toMatchObject({ content, truncated: false })
    const part = await valueHere<{ content: string }>('file.read', { path, limitBytes: 8 }, env)
    expect(part).toMatchObject({ content: 'äöü', truncated: true, sizeBytes: Buffer.byteLength(content) })
    expect(await valueHere('file.read', { path: '/proc/self/comm' }, env)).toMatchObject({ truncated: false })
  })

  test('file.line: replaces the last match, adds once, removes all matches', async () => {
    const path = join(folder, 'conf')
    writeFileSync(path, '# a=1\na=1\nb=2\na=2\n')
    const input = { path, line: "a=3 & 'x' \\1", match: '^a=' }
    expect(await change('file.line', input)).toMatchObject({ changed: true })
    expect(readFileSync(path, 'utf8')).toBe("# a=1\na=1\nb=2\na=3 & 'x' \\1\n")
    expect(await change('file.line', input)).toMatchObject({ changed: false })
    expect(await change('file.line', { path, line: 'c=4' })).toMatchObject({ changed: true })
    expect(await change('file.line', { path, line: 'c=4' })).toMatchObject({ changed: false })
    expect(await change('file.line', { path, match: '^a=', state: 'absent' })).toMatchObject({ changed: true })
    expect(readFileSync(path, 'utf8')).toBe('# a=1\nb=2\nc=4\n')
    expect(await change('file.line', { path: join(folder, 'x'), line: 'y', create: true })).toMatchObject({
      changed: true,
    })
    expect(readFileSync(join(folder, 'x'), 'utf8')).toBe('y\n')
  })

  test('file.stat, file.list and file.find see odd names as they are', async () => {
    mkdirSync(join(folder, 'sub'))
    writeFileSync(join(folder, 'sub', odd), 'x'.repeat(2000))
    writeFileSync(join(folder, 'line\nbreak'), '')
    type Found = { entries: { path: string; name: string; type: string; sizeBytes: number }[] }
    const path = join(folder, 'sub', odd)
    expect(await valueHere('file.stat', { path }, env)).toMatchObject({
      exists: true,
      entry: { type: 'file', sizeBytes: 2000 },
    })
    expect(await valueHere('file.stat', { path: `${path}/x` }, env)).toEqual({ exists: false })
    const listed = await valueHere<Found>('file.list', { path: folder }, env)
    expect(listed.entries.map(one => [one.name, one.type])).toEqual([['sub', 'directory']])
    const found = await valueHere<Found>(
      'file.find',
      { path: folder, type: 'file', sizeBytesMin: 2000, sizeBytesMax: 2000 },
      env,
    )
    expect(found.entries).toMatchObject([{ path, name: odd }])
    expect(
      (await valueHere<Found>('file.find', { path: folder, sizeBytesMin: 2001, type: 'file' }, env)).entries,
    ).toEqual([])
    expect((await valueHere<Found>('file.find', { path: folder, depthMax: 1, name: 's*' }, env)).entries).toHaveLength(
      1,
    )
  })

  test('directory.ensure, file.permissions and file.remove', async () => {
    const path = join(folder, odd, 'x')
    expect(await change('directory.ensure', { path, mode: '0750' })).toMatchObject({ changed: true })
    expect(mode(path)).toBe('750')
    expect(await change('directory.ensure', { path, mode: '0750' })).toMatchObject({ changed: false })
    writeFileSync(join(path, 'f'), '')
    chmodSync(join(path, 'f'), 0o666)
    const tree = { path: folder, recursive: true, mode: '0600', directoryMode: '0700' }
    const { changes } = await change('file.permissions', { ...tree, dry: true })
    expect(changes).toHaveLength(3)
    expect(mode(path)).toBe('750')
    expect((await change('file.permissions', tree)).changes).toEqual(changes)
    expect([mode(path), mode(join(path, 'f'))]).toEqual(['700', '600'])
    expect(await change('file.permissions', tree)).toMatchObject({ changed: false })
    expect(await failure('file.remove', { path })).toMatch(/not empty/i)
    expect(await change('file.remove', { path, recursive: true })).toMatchObject({ changed: true })
    expect(existsSync(path)).toBe(false)
    expect(await change('file.remove', { path, recursive: true })).toMatchObject({ changed: false })
  })

  test.each(['/', '//', '/tmp', '/tmp/', '/tmp/.', '/tmp/../usr', '/usr/bin/../', `/proc/self/root/etc`])(
    'file.remove refuses %s',
    async path => {
      expect(await failure('file.remove', { path, recursive: true, dry: true })).toMatch(/is not removed|does not name/)
    },
  )

  test('link.ensure: a link is replaced, a file only by force, a folder never', async () => {
    const path = join(folder, odd)
    for (const target of ['a', '-n b'])
      expect(await change('link.ensure', { path, target })).toMatchObject({ changed: true })
    expect(readlinkSync(path)).toBe('-n b')
    expect(await change('link.ensure', { path, target: '-n b' })).toMatchObject({ changed: false })
    mkdirSync(join(folder, 'sub'))
    writeFileSync(join(folder, 'file'), '')
    expect(await failure('link.ensure', { path: join(folder, 'sub'), target: 'a', force: true })).toMatch(/is a folder/)
    expect(await failure('link.ensure', { path: join(folder, 'file'), target: 'a' })).toMatch(/force/)
    expect(await change('link.ensure', { path: join(folder, 'file'), target: 'sub', force: true })).toMatchObject({
      changed: true,
    })
    // A link to a folder is replaced itself, not filled.
    expect(await change('link.ensure', { path: join(folder, 'file'), target: 'a' })).toMatchObject({ changed: true })
    expect(readlinkSync(join(folder, 'file'))).toBe('a')
  })

  test('archive.extract unpacks what archive.create packed', async () => {
    const from = join(folder, 'from')
    mkdirSync(join(from, 'sub'), { recursive: true })
    writeFileSync(join(from, 'sub', odd.replaceAll('\\', '')), 'content')
    const archive = join(folder, `${odd}.tgz`)
    await change('archive.create', { archive, from, names: ['sub'] })
    const into = join(folder, 'into')
    const input = { archive, into, strip: 1, creates: join(into, odd.replaceAll('\\', '')) }
    expect(await change('archive.extract', { ...input, dry: true })).toMatchObject({ wouldChange: true })
    expect(existsSync(into)).toBe(false)
    expect(await change('archive.extract', input)).toMatchObject({ changed: true })
    expect(readFileSync(input.creates, 'utf8')).toBe('content')
    expect(await change('archive.extract', input)).toMatchObject({ changed: false })
  })

  describe('download', () => {
    let server: Server
    let url = ''
    beforeAll(async () => {
      server = createServer((_request, response) => response.end('x'.repeat(5000)))
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    })
    afterAll(() => {
      server.close()
      server.closeAllConnections()
    })

    test('fetches once, checks what came, takes no more than told', async () => {
      const path = join(folder, 'got')
      const { checksum } = await valueHere<{ checksum: string }>('file.checksum', { path: '/etc/hostname' }, env)
      expect(await failure('download', { url, path, checksum: `sha256:${checksum}` })).toMatch(/the checksum of/)
      expect(await failure('download', { url, path, limitBytes: 4999 })).toMatch(/more than|cannot download/)
      expect(existsSync(path)).toBe(false)
      expect(await change('download', { url, path, mode: '0600' })).toMatchObject({ changed: true })
      expect([readFileSync(path).length, mode(path)]).toEqual([5000, '600'])
      const { checksum: right } = await valueHere<{ checksum: string }>('file.checksum', { path }, env)
      server.close()
      server.closeAllConnections()
      expect(await change('download', { url, path, checksum: `sha256:${right}` })).toMatchObject({ changed: false })
    })
  })
})

test('text of an input is never run', () => expect(existsSync('pwned')).toBe(false))

import { createHash, randomBytes } from 'node:crypto'
import {
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
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startSshd, whyNoSshd, type TestSshd } from '@re-ops/re-mote/testing'
import { openWorld, reops, type World } from './testing.ts'

const missing = whyNoSshd()
const describeWithSshd = missing === null ? describe : describe.skip
const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Two hosts that are this machine: one by its agent, one by its sshd. */
describeWithSshd(`files over both transports, by the command${missing === null ? '' : ` (${missing})`}`, () => {
  let world: World
  let sshd: TestSshd
  let folder: string
  let count = 0
  const own = (): string => {
    const path = join(folder, String((count += 1)))
    mkdirSync(path)
    return path
  }
  const ask = async (...args: string[]) => reops(world, args, { HOME: folder })
  type Line = { host: string; ok: boolean; value: Record<string, unknown>; failure?: { message: string } }
  const lines = (out: string) =>
    out
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Line)
      .filter(line => line.host !== undefined)
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'reops-files-'))
    ;[world, sshd] = await Promise.all([openWorld(0), startSshd()])
    const to = `${sshd.user}@127.0.0.1:${sshd.port}`
    const key = ['--key-file', join(sshd.folder, 'id'), '--host-key', sshd.hostKeys[0] ?? '']
    expect(await ask('hosts', 'add', 'bare', '--ssh', to, ...key)).toMatchObject({ code: 0 })
  }, 90_000)
  afterAll(async () => {
    await Promise.all([world?.close(), sshd?.stop()])
    rmSync(folder, { recursive: true, force: true })
  }, 30_000)
  const hosts = ['bare', 'not bare']

  test.each(hosts)(
    'push to %s: whole, with its mode; the same again sends nothing; dry says what it would do',
    async on => {
      const at = own()
      const bytes = randomBytes(2_500_000)
      writeFileSync(join(folder, 'local.bin'), bytes)
      const push = async (...more: string[]) => {
        const ended = await ask(
          'files',
          'push',
          join(folder, 'local.bin'),
          '--on',
          `${on}:${at}/new/`,
          '--json',
          ...more,
        )
        return { ...ended, value: lines(ended.out)[0]?.value }
      }
      expect(await push('--parents', '--dry-run')).toMatchObject({
        code: 0,
        value: { changed: false, wouldChange: true, transferred: 0 },
      })
      expect(readdirSync(at)).toEqual([])
      const refused = await push()
      expect(refused.code).toBe(1)
      expect(lines(refused.out)[0]?.failure?.message).toContain('there is no folder')
      const pushed = await push('--parents', '--mode', '0640')
      expect(pushed).toMatchObject({
        code: 0,
        value: { changed: true, bytes: bytes.length, transferred: bytes.length, hash: hashOf(bytes), mode: '0640' },
      })
      expect(readFileSync(join(at, 'new/local.bin')).equals(bytes)).toBe(true)
      expect(statSync(join(at, 'new/local.bin')).mode & 0o7777).toBe(0o640)
      expect(readdirSync(join(at, 'new'))).toEqual(['local.bin'])
      expect(await push()).toMatchObject({ code: 0, value: { changed: false, transferred: 0 } })
    },
    60_000,
  )

  test.each(hosts)(
    'a folder goes to %s, comes back the same, and what differs is shown before it changes',
    async on => {
      const [local, there, back] = [own(), own(), own()]
      mkdirSync(join(local, 'sub'))
      writeFileSync(join(local, 'sub/a'), randomBytes(900_000))
      writeFileSync(join(local, 'b'), 'b', { mode: 0o755 })
      symlinkSync('sub/a', join(local, 'link'))
      writeFileSync(join(there, 'extra'), 'extra')
      const sync = async (...more: string[]) => {
        const { code, out } = await ask('files', 'sync', local, '--on', `${on}:${there}`, '--delete', '--json', ...more)
        return { code, changes: lines(out)[0]?.value['changes'] }
      }
      const changes = ['create b', 'link link to sub/a', 'create folder sub', 'create sub/a', 'delete extra']
      expect(await sync('--dry-run')).toEqual({ code: 0, changes })
      expect(readdirSync(there)).toEqual(['extra'])
      expect(await sync()).toEqual({ code: 0, changes })
      expect(await sync()).toEqual({ code: 0, changes: [] })
      const pulled = await ask('files', 'pull', back, '--on', `${on}:${there}/`, '--json')
      expect(pulled).toMatchObject({ code: 0, error: '' })
      const host = lines(pulled.out)[0]?.host ?? ''
      const got = join(back, host, basename(there))
      expect(readdirSync(got, { recursive: true }).toSorted((a, b) => (a < b ? -1 : 1))).toEqual([
        'b',
        'link',
        'sub',
        'sub/a',
      ])
      expect(readFileSync(join(got, 'sub/a')).equals(readFileSync(join(local, 'sub/a')))).toBe(true)
      expect(readlinkSync(join(got, 'link'))).toBe('sub/a')
      expect(statSync(join(got, 'b')).mode & 0o777).toBe(0o755)
    },
    90_000,
  )

  test('a file goes from one host to the other; a template gives each host its own', async () => {
    const at = own()
    writeFileSync(join(at, 'one'), 'from one host', { mode: 0o600 })
    expect(await ask('files', 'copy', `bare:${at}/one`, '--to', `not bare:${at}/two`)).toMatchObject({ code: 0 })
    expect(readFileSync(join(at, 'two'), 'utf8')).toBe('from one host')
    expect(statSync(join(at, 'two')).mode & 0o777).toBe(0o600)
    writeFileSync(join(folder, 't.liquid'), '{{ host.name }} {{ host.transport }} {{ port | plus: 1 }}\n')
    const template = (on: string) =>
      ask('files', 'template', join(folder, 't.liquid'), '--on', `${on}:${at}/${on}/`, '--set', 'port:=80', '--parents')
    expect(await template('bare')).toMatchObject({ code: 0 })
    expect(readFileSync(join(at, 'bare/t'), 'utf8')).toBe('bare ssh 81\n')
    expect(await template('not bare')).toMatchObject({ code: 0 })
    expect(readFileSync(join(at, 'not bare/t'), 'utf8')).toMatch(/^\S+ zmq 81\n$/)
    const without = await ask('files', 'template', join(folder, 't.liquid'), '--on', `bare:${at}/x`, '--json')
    expect(without.code).toBe(1)
    expect(lines(without.out)[0]?.failure?.message).toContain('undefined variable: port')
    expect(readdirSync(at).toSorted()).toEqual(['bare', 'not bare', 'one', 'two'])
  }, 90_000)

  test.each([
    [['files', 'push', '/no/such', '--on', '*:/tmp/x'], '/no/such: there is no such file'],
    [['files', 'push', '/tmp', '--on', '*:/tmp/x'], '/tmp: it is a folder'],
    [['files', 'push', '/etc/hostname', '--on', '*'], 'SELECTOR:/path'],
    [['files', 'push', '/etc/hostname', '--on', '*:/tmp/x', '--mode', 'rw'], '--mode: `rw`'],
    [['files', 'remove', 'abc'], '`abc` is not a SHA-256'],
  ])('%j is refused in one line', async (args, message) => {
    const { code, out, error } = await ask(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(error.trimEnd().split('\n')).toEqual([expect.stringContaining(message)])
  })
})

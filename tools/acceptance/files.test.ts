import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startSshd, whyNoSshd, type TestSshd } from '@re-ops/re-mote/testing'
import { openWorld, reops, type World } from './testing.ts'

const missing = whyNoSshd()
const describeWithSshd = missing === null ? describe : describe.skip

describeWithSshd(`hosts over SSH, by the command${missing === null ? '' : ` (${missing})`}`, () => {
  let world: World
  let sshd: TestSshd
  let home: string
  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'reops-home-'))
    ;[world, sshd] = await Promise.all([openWorld(0), startSshd()])
  }, 60_000)
  afterAll(async () => {
    await Promise.all([world?.close(), sshd?.stop()])
    rmSync(home, { recursive: true, force: true })
  }, 30_000)

  const ask = async (...args: string[]) => {
    const { code, out, error } = await reops(world, args, { HOME: home })
    return { code, out, error }
  }
  const uname = (host: string) => ask('run', '--on', host, '--json', '--', 'uname', '-s')

  test('add with a key file, run, remove', async () => {
    const target = `${sshd.user}@127.0.0.1:${sshd.port}`
    const added = await ask(
      'hosts',
      'add',
      'one',
      '--ssh',
      target,
      '--key-file',
      join(sshd.folder, 'id'),
      '--accept-new',
      '--label',
      'role=ssh',
    )
    expect(added).toMatchObject({ code: 0, out: 'one  ssh\n' })
    const run = await uname('role=ssh')
    expect(run.code).toBe(0)
    expect(JSON.parse(run.out.split('\n')[0] as string)).toMatchObject({
      host: 'one',
      ok: true,
      value: { stdout: 'Linux\n' },
    })
    const [listed] = JSON.parse((await ask('hosts', '--on', 'one', '--json')).out) as unknown[]
    expect(listed).toMatchObject({ name: 'one', online: true, transport: 'ssh', pid: null })
    const login = (...more: string[]) =>
      ask('ssh', 'one', '-i', join(sshd.folder, 'id'), '-o', 'IdentitiesOnly=yes', ...more)
    expect(await login('--', 'echo here; exit 7')).toMatchObject({ code: 7, out: 'here\n' })
    const { out: printed } = await login('--print')
    expect(printed).toMatch(/^ssh -o IdentitiesOnly=yes .*StrictHostKeyChecking=yes/)
    expect(printed).toContain(` -p ${sshd.port} -l ${sshd.user} 127.0.0.1\n`)
    expect(await ask('hosts', 'remove', 'one', '--yes')).toMatchObject({ code: 0, out: 'one  removed\n' })
    expect((await uname('one')).code).toBe(2)
  }, 60_000)

  test('an ssh config with includes, hashed known hosts and a jump is imported; keys only when told', async () => {
    mkdirSync(join(home, '.ssh/conf.d'), { recursive: true })
    writeFileSync(join(home, '.ssh/config'), 'Include conf.d/*\nHost far\n  HostName 127.0.0.1\n  ProxyJump near\n')
    const common = `Host near far\n  Port ${sshd.port}\n  User ${sshd.user}\n  IdentityFile ${join(sshd.folder, 'id')}\n`
    writeFileSync(join(home, '.ssh/conf.d/common'), `${common}Host near\n  HostName 127.0.0.1\n`)
    const knownHosts = join(home, '.ssh/known_hosts')
    writeFileSync(knownHosts, `[127.0.0.1]:${sshd.port} ${sshd.hostKeys[0]}\n`)
    expect(spawnSync('ssh-keygen', ['-q', '-H', '-f', knownHosts]).status).toBe(0)

    const without = await ask('inventory', 'import', '--ssh-config', '--json')
    expect(without.code).toBe(0)
    const to = `${sshd.user}@127.0.0.1:${sshd.port}`
    expect(JSON.parse(without.out)).toEqual(
      ['near', 'far'].map(name => ({ name, to, hostKeys: 1, identities: 0, state: 'imported' })),
    )
    const refused = JSON.parse((await uname('far')).out.split('\n')[0] as string) as unknown
    expect(refused).toMatchObject({
      ok: false,
      failure: { kind: 'unreachable', message: expect.stringContaining('no private key') },
    })

    expect((await ask('inventory', 'import', '--ssh-config', '--with-keys')).code).toBe(1) // other settings than before
    const withKeys = await ask('inventory', 'import', '--ssh-config', '--with-keys', '--change')
    expect(withKeys).toMatchObject({ code: 0, out: expect.stringContaining('2 hosts') })
    expect((await uname('near or far')).code).toBe(0)
  }, 90_000)

  test.each([
    [['hosts', 'add', 'x'], "required option '--ssh <target>' not specified"],
    [['hosts', 'add', 'x', '--ssh', 'a b'], '--ssh: `a b` is not [user@]address[:port]'],
    [['hosts', 'add', 'x', '--ssh', 'a', '--key-file', '/no/such'], '--key-file: /no/such cannot be read (ENOENT)'],
    [['hosts', 'add', 'x', '--ssh', 'a', '--password', 'hunter2'], '/ssh/password'],
    [['hosts', 'add', 'x', '--ssh', 'a', '--jump', 'nobody'], 'there is no SSH host nobody'],
    [['inventory', 'import'], 'import from what?'],
    [['inventory', 'import', '--ssh-config', '/no/such'], '/no/such does not exist'],
    [['hosts', 'remove', 'nobody', '--yes'], 'no host is called nobody'],
    [['ssh', 'nobody'], 'no system and no host is called nobody'],
    [['ssh', 'nobody', '-p', '0'], '--port: `0` is not a whole number'],
    [['console', 'nobody'], 'no system has the id or name nobody'],
  ])('%j is refused in one line', async (args, message) => {
    const { code, out, error } = await ask(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(error.trim().split('\n')).toEqual([expect.stringContaining(message)])
  })
})

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Host, Run, SshSettings } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { keygen, startMote, startSshd, until, whyNoSshd, type TestMote, type TestSshd } from '../testing/index.ts'

const missing = whyNoSshd()
const describeWithSshd = missing === null ? describe : describe.skip

describeWithSshd(`ways in${missing === null ? '' : ` (${missing})`}`, () => {
  let postgres: TestPostgres
  let mote: TestMote
  let sshd: TestSshd
  let agent: ChildProcess
  let keys: string
  const key = (name: string) => join(keys, name)
  const authorize = (name: string) =>
    appendFileSync(join(sshd.folder, 'authorized_keys'), readFileSync(`${key(name)}.pub`))
  beforeAll(async () => {
    keys = mkdtempSync(join(tmpdir(), 'reops-keys-'))
    // A certificate authority for users and hosts, and keys of each kind.
    for (const name of ['ca', 'certified', 'in-agent']) keygen(key(name), '-t', 'ed25519', '-N', '')
    keygen(key('locked'), '-t', 'ed25519', '-N', 'open sesame')
    keygen(key('rsa'), '-t', 'rsa', '-b', '2048', '-N', '')
    sshd = await startSshd({ config: [`TrustedUserCAKeys ${key('ca')}.pub`] })
    sign('-I', 'user', '-n', sshd.user, `${key('certified')}.pub`)
    for (const name of ['in-agent', 'locked', 'rsa']) authorize(name)
    const socket = join(keys, 'agent')
    agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    await until('the ssh-agent listens', () => existsSync(socket))
    expect(
      spawnSync('ssh-add', ['-q', key('in-agent')], { env: { ...process.env, SSH_AUTH_SOCK: socket } }).status,
    ).toBe(0)
    postgres = await testPostgres()
    mote = await startMote({ databaseUrl: postgres.url, environment: { SSH_AUTH_SOCK: socket } })
    const secrets: Record<string, string> = { key: sshd.key, passphrase: 'open sesame', wrong: 'shut' }
    for (const name of ['certified', 'locked', 'rsa', 'in-agent']) secrets[name] = readFileSync(key(name), 'utf8')
    secrets['certificate'] = readFileSync(`${key('certified')}-cert.pub`, 'utf8')
    for (const [name, value] of Object.entries(secrets))
      await mote.ask('PUT', `/v1/secrets/ssh%2F${name}`, { body: { value } })
  })
  afterAll(async () => {
    agent?.kill()
    await Promise.all([mote?.stop(), sshd?.stop()])
    await postgres?.drop()
    rmSync(keys, { recursive: true, force: true })
  })
  const sign = (...args: string[]) => expect(spawnSync('ssh-keygen', ['-q', '-s', key('ca'), ...args]).status).toBe(0)

  let count = 0
  const add = async (ssh: Partial<SshSettings>, hostKeys: readonly string[] | null = sshd.hostKeys): Promise<Host> => {
    count += 1
    const whole = { address: '127.0.0.1', port: sshd.port, user: sshd.user, ...ssh }
    const body = { name: `way-${count}`, ssh: whole, ...(hostKeys ? { hostKeys } : {}) }
    const { status, body: host } = await mote.ask('POST', '/v1/hosts', { body })
    expect({ status, host }).toMatchObject({ status: 201 })
    return host as Host
  }
  const run = async (host: Host, input: object = { argv: ['echo', 'in'] }, more: object = {}) => {
    const pipeline = { kind: 'call', operation: 'shell', input }
    const answer = await mote.ask('POST', '/v1/runs?wait=30', { body: { on: host.name, pipeline, ...more } })
    return (answer.body as Run).targets?.[0]
  }
  const isIn = { state: 'ok', value: { stdout: 'in\n' } }
  const isOut = (message: string | RegExp) => ({
    state: 'unreachable',
    failure: { started: 'no', transport: 'ssh', message: expect.stringMatching(message) },
  })

  test.each<[string, Partial<SshSettings>]>([
    ['a key', { identity: ['secret:ssh/key'] }],
    ['an rsa key', { identity: ['secret:ssh/rsa'] }],
    ['the second of two keys', { identity: ['secret:ssh/certified', 'secret:ssh/key'] }],
    ['an encrypted key with its passphrase', { identity: ['secret:ssh/locked'], passphrase: 'secret:ssh/passphrase' }],
    ["a key of the service's ssh-agent", { identity: [], agent: true }],
    ['the ssh program', { identity: ['secret:ssh/key'], backend: 'openssh' }],
    ['the ssh program with the ssh-agent', { identity: [], agent: true, backend: 'openssh' }],
    [
      'the ssh program with a key exchange of its own',
      { identity: ['secret:ssh/key'], backend: 'openssh', kexAlgorithms: 'curve25519-sha256' },
    ],
    [
      'a certificate',
      { identity: ['secret:ssh/certified'], certificate: 'secret:ssh/certificate', backend: 'openssh' },
    ],
  ])('in by %s', async (_, settings) => expect(await run(await add(settings))).toMatchObject(isIn))

  test.each<[string, Partial<SshSettings>, string | RegExp]>([
    ['an encrypted key without its passphrase', { identity: ['secret:ssh/locked'] }, 'give its passphrase'],
    [
      'a wrong passphrase',
      { identity: ['secret:ssh/locked'], passphrase: 'secret:ssh/wrong' },
      'secret:ssh/locked cannot be used as a private key',
    ],
    ['a key that is not let in', { identity: ['secret:ssh/certified'] }, 'does not let us in'],
    [
      'a key that is not let in, by the ssh program',
      { identity: ['secret:ssh/certified'], backend: 'openssh' },
      /Permission denied/,
    ],
    [
      'a certificate over ssh2',
      { identity: ['secret:ssh/certified'], certificate: 'secret:ssh/certificate' },
      'needs backend openssh',
    ],
    [
      'a passphrase for the ssh program',
      { identity: ['secret:ssh/locked'], passphrase: 'secret:ssh/passphrase', backend: 'openssh' },
      'use backend ssh2',
    ],
    ['nobody, by the ssh program', { identity: ['secret:ssh/key'], backend: 'openssh', port: 1 }, 'Connection refused'],
  ])('not in by %s', async (_, settings, message) => {
    expect(await run(await add(settings))).toMatchObject(isOut(message))
  })

  test('the ssh program does what ssh2 does: output, codes, limits, input, kills', async () => {
    const host = await add({ identity: ['secret:ssh/key'], backend: 'openssh' })
    expect(await run(host, { script: 'echo out; echo err >&2; exit 4' })).toMatchObject({
      state: 'exit',
      failure: { code: 4, message: 'exit code 4: err', transport: 'ssh' },
    })
    expect(await run(host, { argv: ['wc', '-c'], stdin: 'x'.repeat(120_000) })).toMatchObject({
      value: { stdout: '120000\n' },
    })
    expect(await run(host, { argv: ['sleep', '77.5'] }, { timeoutMs: 300 })).toMatchObject({ state: 'timeout' })
    await until('it is gone', () => spawnSync('pgrep', ['-fx', 'sleep 77.5']).status === 1)
    expect(await run(host, { argv: ['id', '-un'], become: { user: sshd.user } })).toMatchObject({
      value: { stdout: `${sshd.user}\n` },
    })
  })

  test('the ssh program: a connection that breaks is lost, the next call connects anew', async () => {
    const other = await startSshd()
    try {
      await mote.ask('PUT', '/v1/secrets/ssh%2Fbreaks', { body: { value: other.key } })
      const host = await add({ identity: ['secret:ssh/breaks'], backend: 'openssh', port: other.port }, other.hostKeys)
      const lost = run(host, { argv: ['sleep', '78.5'] })
      await until('it runs', () => spawnSync('pgrep', ['-fx', 'sleep 78.5']).status === 0)
      await other.crash()
      expect(await lost).toMatchObject({ state: 'lost', failure: { started: 'yes', transport: 'ssh' } })
      await other.again()
      expect(await run(host)).toMatchObject(isIn)
    } finally {
      await other.stop()
      spawnSync('pkill', ['-fx', 'sleep 78.5'])
    }
  })

  test('an unknown host key is refused by the ssh program too', async () => {
    const other = await startSshd()
    try {
      const host = await add({ identity: ['secret:ssh/key'], backend: 'openssh', port: other.port }, null)
      expect(await run(host)).toMatchObject(isOut(/Host key verification failed/))
    } finally {
      await other.stop()
    }
  })

  test('a host certificate of a known authority: for the ssh program; ssh2 says so', async () => {
    const other = await startSshd()
    try {
      const name = join(other.folder, 'host_ed25519')
      sign('-I', 'host', '-h', '-n', `127.0.0.1,[127.0.0.1]:${other.port}`, `${name}.pub`)
      await other.crash()
      await other.again(`HostCertificate ${name}-cert.pub`)
      const authority = readFileSync(`${key('ca')}.pub`, 'utf8')
        .split(' ')
        .slice(0, 2)
        .join(' ')
      appendFileSync(join(mote.state, 'ssh/known_hosts'), `@cert-authority [127.0.0.1]:${other.port} ${authority}\n`)
      await mote.ask('PUT', '/v1/secrets/ssh%2Fsigned', { body: { value: other.key } })
      const settings = { identity: ['secret:ssh/signed'], port: other.port }
      expect(await run(await add(settings, null))).toMatchObject(isOut('only an authority is known'))
      expect(await run(await add({ ...settings, backend: 'openssh' }, null))).toMatchObject(isIn)
    } finally {
      await other.stop()
    }
  })

  test("the service's own SSH config is understood: alias, key file, jump; a key that others may read is not used", async () => {
    const folder = join(mote.state, 'ssh')
    copyFileSync(join(sshd.folder, 'id'), join(folder, 'mine'))
    chmodSync(join(folder, 'mine'), 0o600)
    writeFileSync(
      join(folder, 'config'),
      [
        `Host inside outside`,
        `  HostName 127.0.0.1`,
        `  Port ${sshd.port}`,
        `  User ${sshd.user}`,
        '  IdentityFile ~/.ssh/mine',
        'Host inside',
        '  ProxyJump outside',
      ].join('\n'),
    )
    const alone = async () => {
      count += 1
      const body = { name: `way-${count}`, ssh: { address: 'inside' } }
      return (await mote.ask('POST', '/v1/hosts', { body })).body as Host
    }
    for (const backend of ['ssh2', 'openssh'] as const) {
      const host = await alone()
      await mote.ask('PATCH', `/v1/hosts/${host.id}`, { body: { ssh: { address: 'inside', backend } } })
      expect(await run(host)).toMatchObject(isIn)
    }
    chmodSync(join(folder, 'mine'), 0o644)
    await mote.ask('DELETE', '/v1/ssh/connections')
    expect(await run(await alone())).toMatchObject(isOut('may be read by others'))
    rmSync(join(folder, 'config'))
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openModuleFile } from '@re-ops/live/make'
import type { Host, Run, SshSettings } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import {
  enrolHost,
  startFakeAgent,
  startMote,
  startSshd,
  until,
  whyNoSshd,
  type FakeAgent,
  type TestMote,
  type TestSshd,
} from '../testing/index.ts'

const missing = whyNoSshd()
const describeWithSshd = missing === null ? describe : describe.skip

describeWithSshd(`over SSH${missing === null ? '' : ` (${missing})`}`, () => {
  let postgres: TestPostgres
  let mote: TestMote
  let sshd: TestSshd
  const agents: FakeAgent[] = []
  beforeAll(async () => {
    postgres = await testPostgres()
    ;[mote, sshd] = await Promise.all([startMote({ databaseUrl: postgres.url }), startSshd()])
    const stored = await mote.ask('PUT', '/v1/secrets/ssh%2Fkey', { body: { value: sshd.key } })
    expect(stored).toMatchObject({ status: 200, body: { name: 'ssh/key', version: 1 } })
  })
  afterAll(async () => {
    await Promise.all([mote?.stop(), sshd?.stop()])
    await postgres?.drop()
  })
  afterEach(() => agents.splice(0).forEach(agent => agent.close()))

  let count = 0
  const settings = (more: Partial<SshSettings> = {}, of = sshd): SshSettings => ({
    address: '127.0.0.1',
    port: of.port,
    user: of.user,
    identity: ['secret:ssh/key'],
    ...more,
  })
  const add = async (
    more: Partial<SshSettings> = {},
    hostKeys: readonly string[] = sshd.hostKeys,
    of = sshd,
  ): Promise<Host> => {
    count += 1
    const body = { name: `ssh-${count}`, ssh: settings(more, of), ...(hostKeys.length > 0 ? { hostKeys } : {}) }
    const { status, body: host } = await mote.ask('POST', '/v1/hosts', { body })
    expect(status).toBe(201)
    return host as Host
  }
  const start = async (on: string, pipeline: unknown, more: object = {}, wait = 20): Promise<Run> =>
    (await mote.ask('POST', `/v1/runs?wait=${wait}`, { body: { on, pipeline, ...more } })).body as Run
  const shell = (input: object) => ({ kind: 'call', operation: 'shell', input })
  const ended = (id: string) =>
    until('the run ends', async () => {
      const run = (await mote.ask('GET', `/v1/runs/${id}`)).body as Run
      return run.state === 'done' ? run : null
    })
  const offlineAgent = async (name: string) => {
    const identity = await enrolHost(mote, { name })
    return identity.host
  }

  test('an operation of a live module runs, its functions in a runner of the service, and a native one needs an agent', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'live-'))
    writeFileSync(
      join(folder, 'ops.ts'),
      `import { operation, Type } from '@re-ops/pipelines'
const common = { doc: 'Live.', input: Type.Object({ text: Type.String() }) }
export const echo = operation({
  ...common, name: 'shell', output: Type.Object({ said: Type.String(), runner: Type.Integer() }),
  shell: { script: ({ text }) => 'echo ' + text + '; exit 4', okCodes: () => [4], parse: ({ stdout }) => ({ said: stdout, runner: process.pid }) },
})
export const native = operation({ ...common, name: 'my.native', output: Type.Null(), native: async () => null })`,
    )
    const file = await openModuleFile('ops.ts', folder)
    const { hash, code, operations, limits } = await file.make()
    await file.close()
    rmSync(folder, { recursive: true })
    expect((await mote.ask('POST', '/v1/modules', { body: { hash, code, operations, limits } })).status).toBe(201)
    const host = await add()
    const call = (operation: string) => ({ kind: 'call', operation, module: hash, input: { text: 'hello' } })
    const run = await start(host.name, call('shell'))
    expect(run).toMatchObject({ modules: [hash], targets: [{ state: 'ok', value: { said: 'hello\n' } }] })
    const [first] = run.targets ?? []
    expect((first?.value as { runner: number } | undefined)?.runner).not.toBe(mote.pid)
    const native = await start(host.name, call('my.native'))
    expect(native.targets?.[0]).toMatchObject({
      state: 'rejected',
      failure: { message: expect.stringContaining('needs an agent'), started: 'no' },
    })
  })

  test('an operation runs, and every step after it, and its result is stored', async () => {
    const host = await add()
    expect(host).toMatchObject({ transport: 'ssh', online: true, pid: null })
    const run = await start(host.name, {
      kind: 'sequence',
      steps: [shell({ argv: ['uname', '-s'] }), { kind: 'call', operation: 'facts' }],
    })
    expect(run.targets?.[0]).toMatchObject({ state: 'ok', value: { kernel: expect.any(String) } })
    expect(((await mote.ask('GET', `/v1/runs/${run.id}`)).body as Run).targets).toEqual(run.targets)
    const [listed] = (await mote.ask('GET', `/v1/hosts?on=${host.name}`)).body as Host[]
    expect(listed).toMatchObject({ online: true, transport: 'ssh', ssh: { address: '127.0.0.1' } })
  })

  test.each<[string, object, object]>([
    [
      'stdout, stderr and code',
      { script: 'echo out; echo err >&2' },
      { value: { stdout: 'out\n', stderr: 'err\n', code: 0, truncated: false } },
    ],
    [
      'words as they are',
      { argv: ['printf', '%s|', "a'b", '$x', 'c\nd', '', '-n'] },
      { value: { stdout: "a'b|$x|c\nd||-n|" } },
    ],
    [
      'variables and folder',
      { argv: ['sh', '-c', 'echo "$A"; pwd'], env: { A: "it's\n2" }, cwd: '/tmp' },
      { value: { stdout: "it's\n2\n/tmp\n" } },
    ],
    ['a small input', { argv: ['cat'], stdin: 'abc' }, { value: { stdout: 'abc' } }],
    [
      'a big input',
      { argv: ['wc', '-c'], stdin: 'x'.repeat(120_000) },
      { value: { stdout: expect.stringContaining('120000') } },
    ],
    ['an input with null bytes', { argv: ['od', '-An', '-tx1'], stdin: 'a\0b' }, { value: { stdout: ' 61 00 62\n' } }],
    ['nothing to read', { argv: ['cat'] }, { value: { stdout: '' } }],
    [
      'a code that is not ok',
      { script: 'echo no >&2; exit 3' },
      {
        state: 'exit',
        failure: { kind: 'exit', code: 3, message: 'exit code 3: no', stderrTail: 'no\n', transport: 'ssh' },
      },
    ],
    ['a code that is', { script: 'exit 3', okCodes: [0, 3] }, { state: 'ok', value: { code: 3 } }],
    ['no such program', { argv: ['no-such-program'] }, { state: 'exit', failure: { code: 127 } }],
    [
      'no such folder',
      { argv: ['true'], cwd: '/no/such' },
      { state: 'exit', failure: { code: 127, message: expect.stringContaining('/no/such') } },
    ],
    [
      'too much output',
      { argv: ['sh', '-c', 'yes | head -c 3000000; yes | head -c 3000000 >&2'], outputBytesMax: 10 },
      { value: { stdout: 'y\ny\ny\ny\ny\n', stderr: 'y\ny\ny\ny\ny\n', truncated: true } },
    ],
    [
      'an end that looks like the runner’s own',
      { script: 'printf "%s" no-newline' },
      { value: { stdout: 'no-newline' } },
    ],
  ])('%s', async (_, input, expected) => {
    const run = await start('ssh-1', shell(input))
    expect(run.targets?.[0]).toMatchObject(expected)
  })

  test('a call past its limit ends `timeout`, one that is cancelled `cancelled`, and nothing of them is left on the host', async () => {
    const host = await add()
    const mark = `9${String(process.pid).padStart(6, '0')}`
    const script = `(setsid sleep ${mark}1 &) ; sleep ${mark}2 & sleep ${mark}3`
    const late = await start(host.name, shell({ script }), { timeoutMs: 500 })
    expect(late.targets?.[0]).toMatchObject({ state: 'timeout', failure: { kind: 'timeout', transport: 'ssh' } })
    const { id } = await start(host.name, shell({ script }), {}, 0)
    await until('it runs', () => sleepers(mark).length === 3)
    await mote.ask('POST', `/v1/runs/${id}/cancel`)
    expect((await ended(id)).targets?.[0]).toMatchObject({ state: 'cancelled', failure: { started: 'yes' } })
    await until('all are gone', () => sleepers(mark).length === 0)
    expect((await start(host.name, shell({ argv: ['echo', 'next'] }))).targets?.[0]).toMatchObject({
      value: { stdout: 'next\n' },
    })
  })

  test('what a command leaves behind does not write into the next one', async () => {
    const host = await add()
    for (let n = 0; n < 5; n += 1) {
      const script = `(for i in 1 2 3 4 5 6 7 8 9 10; do echo noise; sleep 0.02; done) & echo ${n}`
      const run = await start(host.name, shell({ script }))
      expect(run.targets?.[0]).toMatchObject({
        state: 'ok',
        value: { stdout: expect.stringMatching(/^(noise\n)*\d\n(noise\n)*$/) },
      })
      const next = await start(host.name, shell({ argv: ['echo', 'clean'] }))
      expect(next.targets?.[0]).toMatchObject({ value: { stdout: 'clean\n' } })
    }
  })

  test('many calls for one host at a time all end, each with its own answer', async () => {
    const host = await add()
    const runs = await Promise.all(
      Array.from({ length: 40 }, (_, n) => start(host.name, shell({ script: `sleep 0.0${n % 5}; echo ${n}` }))),
    )
    expect(runs.map(run => run.targets?.[0]?.value)).toMatchObject(runs.map((_, n) => ({ stdout: `${n}\n` })))
  })

  describe('a host that is not reached is `unreachable`, nothing started, and says which step failed', () => {
    const refused = async (host: Host) => {
      const run = await start(host.name, shell({ argv: ['true'] }))
      expect(run.targets?.[0]).toMatchObject({
        state: 'unreachable',
        failure: { started: 'no', transport: 'ssh', step: 'shell' },
      })
      return run.targets?.[0]?.failure?.message ?? ''
    }
    test('an unknown host key', async () => {
      const other = await startSshd()
      try {
        const host = await add({}, [], other)
        expect(await refused(host)).toMatch(
          /host key of \[127\.0\.0\.1\]:\d+: ssh-ed25519 SHA256:\S+ is unknown; .*--accept-new/,
        )
        await until(
          'it shows as offline',
          async () => !((await mote.ask('GET', `/v1/hosts/${host.id}`)).body as Host).online,
        )
        const known = await mote.ask('PATCH', `/v1/hosts/${host.id}`, { body: { hostKeys: other.hostKeys } })
        expect(known.status).toBe(200)
        expect(await refused(host)).toContain('does not let us in (tried publickey)')
      } finally {
        await other.stop()
      }
    })
    test('a changed one, even with accept-new, and a revoked one', async () => {
      const other = await startSshd({ hostKeyTypes: ['ecdsa'] })
      try {
        const host = await add({ hostKey: 'accept-new' }, sshd.hostKeys, other)
        expect(await refused(host)).toContain('is not the key that is known')
      } finally {
        await other.stop()
      }
    })
    test('nobody listens, a name that is none, a secret that is missing', async () => {
      expect(await refused(await add({ port: 1 }, []))).toMatch(/cannot connect to 127\.0\.0\.1 port 1: ECONNREFUSED/)
      expect(await refused(await add({ address: 'no-such-host.invalid' }, []))).toContain(
        'cannot connect to no-such-host.invalid',
      )
      expect(await refused(await add({ identity: ['secret:ssh/none'] }))).toContain('secret:ssh/none does not exist')
      expect(await refused(await add({ identity: ['file:none'] }))).toContain('no private key, agent or password')
    })
    test('an operation that has no shell form is not tried', async () => {
      const run = await start('ssh-1', { kind: 'via', transport: 'zmq', step: { kind: 'call', operation: 'ping' } })
      expect(run.targets?.[0]).toMatchObject({ state: 'unreachable', failure: { message: 'the host has no session' } })
    })
  })

  test('accept-new writes the key down once, in a private folder, and holds to it', async () => {
    const other = await startSshd()
    try {
      await mote.ask('PUT', '/v1/secrets/ssh%2Fother', { body: { value: other.key } })
      const host = await add({ hostKey: 'accept-new', identity: ['secret:ssh/other'] }, [], other)
      for (const argv of [['true'], ['true']])
        expect((await start(host.name, shell({ argv }))).targets?.[0]).toMatchObject({ state: 'ok' })
      const file = join(mote.state, 'ssh', 'known_hosts')
      expect(
        readFileSync(file, 'utf8')
          .split('\n')
          .filter(line => line.startsWith(`[127.0.0.1]:${other.port} `)),
      ).toEqual([`[127.0.0.1]:${other.port} ${other.hostKeys[0]}`])
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(statSync(join(mote.state, 'ssh')).mode & 0o777).toBe(0o700)
    } finally {
      await other.stop()
    }
  })

  test('a host that allows one session at a time is used one session at a time', async () => {
    const other = await startSshd({ config: ['MaxSessions 1'] })
    try {
      await mote.ask('PUT', '/v1/secrets/ssh%2Fnarrow', { body: { value: other.key } })
      const host = await add({ identity: ['secret:ssh/narrow'] }, other.hostKeys, other)
      const inputs = [{ argv: ['echo', 'x'] }, { argv: ['cat'], stdin: `${'x'.repeat(50_000)}\n` }]
      const runs = await Promise.all(
        Array.from({ length: 6 }, (_, n) => start(host.name, shell(inputs[n % 2] as object))),
      )
      expect(runs.map(run => run.targets?.[0]?.state)).toEqual(runs.map(() => 'ok'))
    } finally {
      await other.stop()
    }
  })

  test('a connection that breaks while a command runs: lost, started yes; the next call connects anew', async () => {
    const other = await startSshd()
    try {
      await mote.ask('PUT', '/v1/secrets/ssh%2Fbreaks', { body: { value: other.key } })
      const host = await add({ identity: ['secret:ssh/breaks'] }, other.hostKeys, other)
      // Of its own for each run of this test: another one may be under way on this machine.
      const uniqueSleep = `61.${process.pid}`
      const { id } = await start(host.name, shell({ argv: ['sleep', uniqueSleep] }), {}, 0)
      await until('it runs', () => sleepers(uniqueSleep).length > 0)
      await other.crash()
      expect((await ended(id)).targets?.[0]).toMatchObject({
        state: 'lost',
        failure: { started: 'yes', transport: 'ssh' },
      })
      await other.again()
      expect((await start(host.name, shell({ argv: ['true'] }))).targets?.[0]?.state).toBe('ok')
    } finally {
      await other.stop()
    }
  })

  test('through a jump host, whose own key and login count', async () => {
    const inner = await startSshd()
    try {
      await mote.ask('PUT', '/v1/secrets/ssh%2Finner', { body: { value: inner.key } })
      const jump = await add()
      const host = await add({ identity: ['secret:ssh/inner'], jump: jump.name }, inner.hostKeys, inner)
      expect(
        (await start(host.name, shell({ argv: ['sh', '-c', 'echo "$SSH_CONNECTION"'] }))).targets?.[0],
      ).toMatchObject({ state: 'ok' })
      expect(inner.log()).toContain('Accepted publickey')
      const wrong = await mote.ask('POST', '/v1/hosts', {
        body: { name: 'nowhere', ssh: settings({ jump: 'no-such-jump' }) },
      })
      expect(wrong).toMatchObject({
        status: 422,
        body: { detail: expect.stringContaining('there is no SSH host no-such-jump') },
      })
    } finally {
      await inner.stop()
    }
  })

  test('recover goes over SSH where the agent cannot be reached; a host without settings stays unreachable', async () => {
    const id = await offlineAgent('both')
    await offlineAgent('agent-alone')
    const given = await mote.ask('PATCH', `/v1/hosts/${id}`, { body: { ssh: settings(), hostKeys: sshd.hostKeys } })
    expect(given).toMatchObject({
      status: 200,
      body: { transport: 'zmq', online: false, ssh: { address: '127.0.0.1' } },
    })
    const step = shell({ argv: ['echo', 'reached'] })
    const run = await start('both or agent-alone', {
      kind: 'recover',
      step,
      fallback: { kind: 'via', transport: 'ssh', step },
    })
    expect(run.targets).toMatchObject([
      { host: { name: 'agent-alone' }, state: 'unreachable', failure: { started: 'no' } },
      { host: { name: 'both' }, state: 'ok', value: { stdout: 'reached\n' } },
    ])
    const plain = await start('both', step)
    expect(plain.targets?.[0]).toMatchObject({ state: 'unreachable', failure: { transport: 'zmq' } })
  })

  test('via ssh takes the calls of a host from its living agent, and only those', async () => {
    const name = 'living'
    const identity = await enrolHost(mote, { name })
    const agent = startFakeAgent({
      endpoint: mote.endpoint,
      serverKey: identity.serverKey,
      identity,
      name,
      answer: () => ({ ok: true, value: 'agent' }),
    })
    agents.push(agent)
    await agent.live()
    await mote.ask('PATCH', `/v1/hosts/${identity.host}`, { body: { ssh: settings() } })
    const call = { kind: 'call', operation: 'shell', input: { argv: ['echo', 'ssh'] } }
    const run = await start(name, {
      kind: 'sequence',
      steps: [call, { kind: 'via', transport: 'ssh', step: call }, call],
    })
    expect(run.targets?.[0]).toMatchObject({ state: 'ok', value: 'agent' })
    expect(agent.started).toHaveLength(2)
  })

  test('the service killed: a call under way is lost, one that only reads is done again', async () => {
    const host = await add()
    const doing = await start(host.name, shell({ argv: ['sleep', '9.125'] }), {}, 0)
    await until('it runs', () => sleepers('9.125').length > 0)
    const reading = await start(host.name, { kind: 'call', operation: 'facts' }, {}, 0)
    mote.signal('SIGKILL')
    await mote.exited
    await mote.again()
    const failure = { kind: 'lost', started: expect.stringMatching(/^(unknown|yes)$/), transport: 'ssh' }
    expect((await ended(doing.id)).targets?.[0]).toMatchObject({ state: 'lost', failure })
    expect((await ended(reading.id)).targets?.[0]).toMatchObject({ state: 'ok' })
  })

  test('adding is idempotent by name; other settings, an agent’s name and bad input are refused', async () => {
    const body = { name: 'once', labels: { role: 'db' }, ssh: settings() }
    const [first, again] = [
      await mote.ask('POST', '/v1/hosts', { body }),
      await mote.ask('POST', '/v1/hosts', { body }),
    ]
    expect([first.status, again.status]).toEqual([201, 200])
    expect((again.body as Host).id).toBe((first.body as Host).id)
    const other = await mote.ask('POST', '/v1/hosts', { body: { ...body, ssh: settings({ user: 'other' }) } })
    expect(other).toMatchObject({ status: 409, body: { detail: expect.stringContaining('PATCH') } })
    const cases: [object, string][] = [
      [{ ...body, ssh: {} }, '/ssh'],
      [{ ...body, ssh: { ...body.ssh, password: 'env:HOME' } }, '/ssh/password'],
      [{ ...body, ssh: { ...body.ssh, identity: ['file:../../token.key'] } }, '/ssh/identity'],
      [{ ...body, ssh: { ...body.ssh, identity: ['secret:other/secret'] } }, '/ssh/identity'],
      [{ ...body, ssh: { ...body.ssh, address: '-oProxyCommand=x' } }, '/ssh/address'],
      [{ ...body, hostKeys: ['ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIHh4'] }, '/hostKeys/0'],
    ]
    for (const [wrong, path] of cases) {
      const refused = await mote.ask('POST', '/v1/hosts', { body: wrong })
      expect(refused.status).toBe(400)
      expect(JSON.stringify(refused.body)).toContain(path)
    }
    const removed = await mote.ask('DELETE', `/v1/hosts/${(first.body as Host).id}`)
    expect(removed).toMatchObject({ status: 200, body: { state: 'revoked', online: false } })
    expect((await mote.ask('POST', '/v1/hosts', { body })).status).toBe(201)
  })

  test('a secret is written and never read: not in answers, not in the log, not in a row', async () => {
    const value = `very-${'secret'.repeat(3)}`
    await mote.ask('PUT', '/v1/secrets/ssh%2Fhidden', { body: { value } })
    const host = await add({ password: 'secret:ssh/hidden', identity: [] })
    await start(host.name, shell({ argv: ['true'] }))
    expect((await mote.ask('GET', '/v1/secrets/ssh%2Fhidden')).status).toBe(404)
    expect(mote.log()).not.toContain(value)
    expect(JSON.stringify((await mote.ask('GET', '/v1/audit?limit=1000')).body)).not.toContain(value)
    const token = await mote.token('hosts:write')
    expect((await mote.ask('PUT', '/v1/secrets/ssh%2Fx', { token, body: { value } })).status).toBe(403)
  })
})

/** Processes `sleep <mark>...` of this machine. */
const sleepers = (mark: string): number[] => {
  const found: number[] = []
  for (const pid of processes()) {
    try {
      const [name = '', seconds = ''] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
      if (name.endsWith('sleep') && seconds.startsWith(mark)) found.push(pid)
    } catch {
      continue // gone meanwhile
    }
  }
  return found
}
const processes = (): number[] => readdirSync('/proc').flatMap(name => (/^\d+$/.test(name) ? [Number(name)] : []))

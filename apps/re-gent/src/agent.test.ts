import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newId, type Id } from '@re-ops/protocols'
import { makeKeyset, startBroker, type TestBroker } from './testing/broker.ts'
import { startEnrolment, type TestEnrolment } from './testing/enrolment.ts'
import { journalOf, startAgent, temporaryFolder, until, type AgentProcess } from './testing/process.ts'

let broker: TestBroker
let enrolment: TestEnrolment
let folder: ReturnType<typeof temporaryFolder>
let agents: AgentProcess[] = []

beforeEach(async () => {
  broker = await startBroker()
  enrolment = await startEnrolment(broker)
  folder = temporaryFolder()
})
afterEach(async () => {
  await Promise.all(agents.map(agent => agent.kill('SIGKILL')))
  agents = []
  broker.close()
  await enrolment.close()
  folder.remove()
})

const start = (env: Readonly<Record<string, string>> = {}): AgentProcess => {
  const agent = startAgent(folder.path, {
    REGENT_URL: enrolment.url,
    REGENT_TOKEN: enrolment.token,
    REGENT_NAME: 'web-1',
    ...env,
  })
  agents.push(agent)
  return agent
}
const online = (sessions = 1) => until('a session', () => broker.sessions >= sessions)
const shell = (input: Record<string, unknown>, more: { id?: Id; timeoutMs?: number; outputBytesMax?: number } = {}) => {
  const id = more.id ?? newId()
  const body = { id, operation: 'shell', input, timeoutMs: 20_000, outputBytesMax: 65_536, requestId: 'r1', ...more }
  return broker.send('call', body).then(() => id)
}
const result = async (id: Id, times = 1) => {
  await until(`result ${times} of ${id}`, () => (broker.results.get(id)?.length ?? 0) >= times)
  return broker.results.get(id)?.at(-1)?.result
}
const alive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')

describe('start and enrolment', () => {
  test('enrols, says hello, runs, and stops in good order', async () => {
    const agent = start({ REGENT_LABELS: 'role=web,env=test' })
    await online()
    expect(enrolment.requests[0]).toMatchObject({
      name: 'web-1',
      labels: { role: 'web', env: 'test' },
      instance: 'instance-1',
    })
    expect(await result(await shell({ argv: ['echo', 'hi'] }))).toEqual({
      ok: true,
      value: { stdout: 'hi\n', stderr: '', code: 0, truncated: false },
    })
    const address = JSON.parse(readFileSync(join(folder.path, 'agent.json'), 'utf8')) as Record<string, unknown>
    expect(address).toMatchObject({ pid: agent.pid, name: 'web-1', host: [...enrolment.hosts.values()][0] })
    expect(statSync(folder.path).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder.path, 'keys.json')).mode & 0o777).toBe(0o600)
    expect(await agent.kill('SIGTERM')).toBe(0)
    expect(broker.received.at(-1)?.kind).toBe('goodbye')
    expect(agent.stderr()).not.toContain(enrolment.token.split('.')[1])
  })

  test('retries with the same keys through 503, 429 and a lost answer, and is one host', async () => {
    enrolment.trouble.push(503, 429, 'drop')
    start()
    await online()
    expect(enrolment.hosts.size).toBe(1)
    expect(new Set(enrolment.requests.map(request => request.signKey)).size).toBe(1)
    expect(enrolment.requests.length).toBe(2)
  })

  test('a definite refusal ends it with code 4 and the reason; nothing of an identity is kept', async () => {
    enrolment.trouble.push(403)
    const agent = start()
    expect(await agent.exited).toBe(4)
    expect(agent.stderr()).toContain('403 trouble 403')
    expect(existsSync(join(folder.path, 'identity.json'))).toBe(false)
  })

  test('a keyset that the root key of the token did not sign is not accepted', async () => {
    broker.keyset = { ...broker.keyset, serial: 7 }
    const agent = start()
    expect(await agent.exited).toBe(4)
    expect(agent.stderr()).toContain('not signed by the root key')
    expect(enrolment.requests).toEqual([])
  })

  test('two agents never run on one state folder', async () => {
    const first = start()
    await online()
    const second = start()
    expect(await second.exited).toBe(3)
    expect(second.stderr()).toContain(`already running as pid ${first.pid}`)
    await first.kill('SIGKILL')
    start()
    await online(2)
  })

  test('on another instance it enrols anew with new keys, or stays out without a token', async () => {
    const first = start()
    await online()
    await first.kill('SIGTERM')
    const out = startAgent(folder.path, { REGENT_INSTANCE: 'instance-2', REGENT_URL: enrolment.url })
    expect(await out.exited).toBe(4)
    expect(out.stderr()).toContain('belongs to the instance instance-1')
    const keys = readFileSync(join(folder.path, 'keys.json'), 'utf8')
    const second = start({ REGENT_INSTANCE: 'instance-2' })
    expect(await second.exited).toBe(4) // the token is spent by the other keys
    expect(readFileSync(join(folder.path, 'keys.json'), 'utf8')).not.toBe(keys)
    expect(existsSync(join(folder.path, 'journal'))).toBe(false)
  })

  test('a wrong configuration ends it with code 2 and one line', async () => {
    const agent = start({ REGENT_SLOTS: 'many' })
    expect(await agent.exited).toBe(2)
    expect(agent.stderr().trim()).toMatch(/^re-gent: REGENT_SLOTS .*"many".*1 to 256$/)
  })

  test('an unwritable state folder ends it with code 2 and one line', async () => {
    const file = join(folder.path, 'file')
    writeFileSync(file, '')
    const agent = startAgent(file, {})
    expect(await agent.exited).toBe(2)
    expect(agent.stderr().trim().split('\n')).toHaveLength(1)
  })

  test('a config file with a token that others may read is refused', async () => {
    writeFileSync(join(folder.path, 'config.json'), JSON.stringify({ url: enrolment.url, token: enrolment.token }), {
      mode: 0o644,
    })
    const open = startAgent(folder.path, {})
    expect(await open.exited).toBe(2)
    expect(open.stderr()).toContain('chmod 600')
  })
})

describe('hello', () => {
  test('a challenge that names another server key is not answered', async () => {
    broker.onHello = { serverKey: makeKeyset(broker.root, {}).curveServerKeys[0] as string }
    const agent = start()
    await until('the refusal', () => agent.stderr().includes('names another server key'))
    expect(broker.sessions).toBe(0)
  })

  test('a welcome with a keyset of another root gives no session; a higher serial is kept, a lower one refused', async () => {
    const { installation, curveServerKeys, endpoints, sealKey } = broker.keyset
    const same = { installation, curveServerKeys, endpoints, sealKey }
    broker.onHello = { keyset: { ...broker.keyset, serial: 9 } }
    const agent = start()
    await until('the refusal', () => agent.stderr().includes('the keyset in the welcome is not accepted'))
    broker.onHello = { keyset: makeKeyset(broker.root, { ...same, serial: 5 }) }
    const held = () =>
      (JSON.parse(readFileSync(join(folder.path, 'identity.json'), 'utf8')) as { keyset: { serial: number } }).keyset
        .serial
    await until('serial 5', () => held() === 5)
    broker.onHello = { keyset: makeKeyset(broker.root, { ...same, serial: 3 }) }
    const before = broker.sessions
    await broker.send('session.end', { reason: 'test', retry: true })
    await online(before + 1)
    await until('the refusal of 3', () => agent.stderr().includes('lower serial'))
    expect(held()).toBe(5)
  })

  test('an identity that is not accepted any more ends it with code 4', async () => {
    broker.onHello = { refuse: { reason: 'revoked', retry: false } }
    const agent = start()
    expect(await agent.exited).toBe(4)
    expect(agent.stderr()).toContain('revoked')
  })

  test('a broker that hangs is left and found again', async () => {
    broker.heartbeatMs = 100
    const agent = start()
    await online()
    broker.hung = true
    await until('the silence', () => agent.stderr().includes('the broker is silent'))
    broker.hung = false
    await online(2)
  })
})

describe('calls', () => {
  test('a call id starts once, whatever is sent again', async () => {
    start()
    await online()
    const [id, file] = [newId(), join(folder.path, 'runs')]
    const script = `echo run >> ${file}; sleep 0.2`
    for (let i = 0; i < 5; i += 1) await shell({ script }, { id })
    await result(id)
    await shell({ script }, { id })
    await until('the report', () => broker.received.some(m => m.kind === 'call.report'))
    expect(readFileSync(file, 'utf8')).toBe('run\n')
    expect(
      journalOf(folder.path)
        .filter(r => r.id === id)
        .map(r => r.t),
    ).toEqual(['start', 'spawn', 'end', 'settled'])
  })

  test('an unknown operation is rejected, a wrong input invalid with its path, and neither starts', async () => {
    start()
    await online()
    const id = newId()
    await broker.send('call', {
      id,
      operation: 'no.such',
      input: {},
      timeoutMs: 1000,
      outputBytesMax: 10,
      requestId: 'r',
    })
    expect(await result(id)).toMatchObject({ ok: false, failure: { kind: 'rejected' } })
    expect(await result(await shell({ argv: 'ls' }))).toMatchObject({
      ok: false,
      failure: { kind: 'invalid', message: expect.stringContaining('/argv') },
    })
    expect(journalOf(folder.path).filter(r => r.t === 'start')).toEqual([])
  })

  test('a timeout kills the process group, grandchildren included, also one that left the group', async () => {
    start()
    await online()
    const file = join(folder.path, 'pids')
    const script = `echo $$ > ${file}; sleep 60 & echo $! >> ${file}; setsid sleep 61 & echo $! >> ${file}; wait`
    const id = await shell({ script }, { timeoutMs: 700 })
    expect(await result(id)).toMatchObject({ ok: false, failure: { kind: 'timeout' } })
    const pids = readFileSync(file, 'utf8').trim().split('\n').map(Number)
    expect(pids).toHaveLength(3)
    await until('all of them dead', () => !pids.some(alive))
  })

  test('output is cut at the limit and says so', async () => {
    start()
    await online()
    const id = await shell({ script: 'yes | head -c 300000' }, { outputBytesMax: 1000 })
    expect(await result(id)).toMatchObject({ ok: true, value: { truncated: true, stdout: 'y\n'.repeat(500) } })
    const escapes = await shell({ script: 'head -c 500000 /dev/zero' }, { outputBytesMax: 524_288 })
    expect(await result(escapes)).toMatchObject({ ok: true, value: { truncated: true } })
  })

  test('exit codes, signals and missing programs are failures with their reason', async () => {
    start()
    await online()
    expect(await result(await shell({ script: 'echo why >&2; exit 3' }))).toMatchObject({
      failure: { kind: 'exit', code: 3, stderrTail: 'why\n' },
    })
    expect(await result(await shell({ argv: ['no-such-program'] }))).toMatchObject({
      failure: { kind: 'exit', code: 127 },
    })
    expect(await result(await shell({ script: 'kill -9 $$' }))).toMatchObject({
      failure: { kind: 'exit', signal: 'SIGKILL' },
    })
  })

  test('cancel kills what runs, removes what waits, and voids what is unknown', async () => {
    start({ REGENT_SLOTS: '1' })
    await online()
    const runs = await shell({ argv: ['sleep', '60'] })
    const waits = await shell({ argv: ['sleep', '60'] })
    const never = newId()
    await until('two acks', () => broker.received.filter(m => m.kind === 'call.acked').length === 2)
    for (const id of [waits, runs, never]) await broker.send('call.cancel', { id })
    expect(await result(waits)).toMatchObject({ failure: { kind: 'cancelled', started: 'no' } })
    expect(await result(runs)).toMatchObject({ failure: { kind: 'cancelled', started: 'yes' } })
    await until('the report', () => broker.received.some(m => m.kind === 'call.report'))
    await shell({ argv: ['true'] }, { id: never })
    expect(await result(never)).toMatchObject({ failure: { kind: 'rejected' } })
  })

  test('no room in the ring is a rejection, and what is unsettled is never evicted', async () => {
    broker.settles = false
    start({ REGENT_RING_BYTES_MAX: '400000' })
    await online()
    const first = await shell({ script: 'yes | head -c 60000' })
    expect(await result(first)).toMatchObject({ ok: true })
    const ids = await Promise.all(Array.from({ length: 12 }, () => shell({ script: 'yes | head -c 60000' })))
    const results = await Promise.all(ids.map(id => result(id)))
    const kinds = results.map(r => (r?.ok ? 'ok' : r?.failure.message.split(':')[0]))
    expect(new Set(kinds)).toEqual(new Set(['ok', 'ring-full']))
    await broker.send('session.end', { reason: 'test', retry: true })
    await result(first, 2)
    const kept = [first, ...ids.filter((_, i) => kinds[i] === 'ok')]
    await broker.send('call.settled', { ids: kept })
    const again = await shell({ argv: ['true'] })
    expect(await result(again)).toMatchObject({ ok: true })
  })

  test('what ran when it stops is reported lost, and an ask is answered for every id', async () => {
    const first = start()
    await online()
    const runs = await shell({ argv: ['sleep', '60'] })
    await until('the ack', () => broker.received.some(m => m.kind === 'call.acked'))
    broker.settles = false
    expect(await first.kill('SIGTERM')).toBe(0)
    expect(await result(runs)).toMatchObject({ failure: { kind: 'lost' } })
    start()
    await online(2)
    await result(runs, 2)
    const unknown = newId()
    await broker.send('call.ask', { ids: [runs, unknown] })
    await until('the report', () => broker.received.some(m => m.kind === 'call.report'))
    expect(broker.received.find(m => m.kind === 'call.report')?.body).toEqual({
      calls: [
        { id: runs, state: 'lost' },
        { id: unknown, state: 'unknown' },
      ],
    })
    expect(journalOf(folder.path).filter(r => r.id === unknown)).toEqual([{ t: 'void', id: unknown }])
  })
})

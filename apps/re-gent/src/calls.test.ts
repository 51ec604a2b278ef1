import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { newId, wireLimits } from '@re-ops/protocols'
import { startCluster, type Cluster } from './testing/cluster.ts'
import { journalOf, until } from './testing/process.ts'

const alive = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')

let c: Cluster
beforeEach(async () => {
  c = await startCluster()
})
afterEach(() => c.close())

test('a call id starts once, whatever is sent again', async () => {
  c.start()
  await c.online()
  const [id, file] = [newId(), join(c.folder, 'runs')]
  const script = `echo run >> ${file}; sleep 0.2`
  for (let i = 0; i < 5; i += 1) await c.shell({ script }, { id })
  await c.result(id)
  await c.shell({ script }, { id })
  await until('the report', () => c.broker.received.some(m => m.kind === 'call.report'))
  await until('it is settled', () => journalOf(c.folder).some(r => r.t === 'settled'))
  expect(readFileSync(file, 'utf8')).toBe('run\n')
  const lines = () => journalOf(c.folder).flatMap(r => (r.id === id ? [r.t] : []))
  await until('the journal to be settled', () => lines().includes('settled'))
  expect(lines()).toEqual(['start', 'spawn', 'end', 'settled'])
})

test('an unknown operation is rejected, a wrong input invalid with its path, and neither starts', async () => {
  c.start()
  await c.online()
  const id = newId()
  await c.broker.send('call', {
    id,
    operation: 'no.such',
    input: {},
    timeoutMs: 1000,
    outputBytesMax: 10,
    requestId: 'r',
  })
  expect(await c.result(id)).toMatchObject({ ok: false, failure: { kind: 'rejected' } })
  expect(await c.result(await c.shell({ argv: 'ls' }))).toMatchObject({
    ok: false,
    failure: { kind: 'invalid', message: expect.stringContaining('/argv') },
  })
  expect(journalOf(c.folder).filter(r => r.t === 'start')).toEqual([])
})

test('operations of the catalogue run as on any transport: a script, and one with an input of its own', async () => {
  c.start()
  await c.online()
  const call = async (operation: string, input: object) => {
    const id = newId()
    await c.broker.send('call', { id, operation, input, timeoutMs: 20_000, outputBytesMax: 65_536, requestId: 'r' })
    return c.result(id)
  }
  const path = join(c.folder, "it's new")
  for (const changed of [true, false])
    expect(await call('file.write', { path, content: 'a\n', mode: '0600' })).toMatchObject({ value: { changed } })
  expect(await call('file.read', { path })).toMatchObject({ value: { content: 'a\n', truncated: false } })
  expect(await call('cron.list', {})).toMatchObject({ ok: true }) // crontab could eat the rest of the script
  // Scripts have arguments: what they look at, and for how long.
  const wait = { path, timeoutMs: 1000, intervalMs: 50 }
  expect(await call('wait.file', { ...wait, contains: 'a' })).toMatchObject({ ok: true })
  const absent = await call('wait.file', { ...wait, timeoutMs: 60, contains: 'b' })
  expect(absent).toMatchObject({ failure: { kind: 'exit', code: 124, message: expect.stringContaining(path) } })
})

test('failures are told in the words of every transport', async () => {
  c.start()
  await c.online()
  const failure = async (input: Readonly<Record<string, unknown>>) => c.result(await c.shell(input))
  const exit = (code: number, message: string) => ({ failure: { kind: 'exit', code, message } })
  expect(await failure({ argv: ['reops-none'] })).toMatchObject(exit(127, 'cannot start reops-none: it is not there'))
  expect(await failure({ argv: ['/etc/passwd'] })).toMatchObject(
    exit(126, 'cannot start /etc/passwd: this user may not start it'),
  )
  expect(await failure({ argv: ['true'], cwd: '/none' })).toMatchObject(exit(127, 'the folder /none is not there'))
  expect(await failure({ script: 'echo why >&2; exit 3' })).toMatchObject(exit(3, 'exit code 3: why'))
  expect(await failure({ script: 'kill -9 $$' })).toMatchObject({ failure: { signal: 'SIGKILL', code: 137 } })
})

test('a timeout kills the process group, grandchildren included, also one that left the group', async () => {
  c.start()
  await c.online()
  const file = join(c.folder, 'pids')
  const script = `echo $$ > ${file}; sleep 60 & echo $! >> ${file}; setsid sleep 61 & echo $! >> ${file}; wait`
  const id = await c.shell({ script }, { timeoutMs: 700 })
  expect(await c.result(id)).toMatchObject({ ok: false, failure: { kind: 'timeout' } })
  const pids = readFileSync(file, 'utf8').trim().split('\n').map(Number)
  expect(pids).toHaveLength(3)
  await until('all of them dead', () => !pids.some(alive))
})

test('output is cut at the limit and says so', async () => {
  c.start()
  await c.online()
  const id = await c.shell({ script: 'yes | head -c 300000' }, { outputBytesMax: 1000 })
  expect(await c.result(id)).toMatchObject({ ok: true, value: { truncated: true, stdout: 'y\n'.repeat(500) } })
  const escapes = await c.shell({ script: 'head -c 500000 /dev/zero' }, { outputBytesMax: 524_288 })
  expect(await c.result(escapes)).toMatchObject({ ok: true, value: { truncated: true } })
})

test('a call that only reads and ends at once is acknowledged by its result, any other before it starts', async () => {
  c.start()
  await c.online()
  const limits = { timeoutMs: 60_000, outputBytesMax: 1_000, requestId: 'r' }
  const quick = newId()
  await c.broker.send('call', { id: quick, operation: 'ping', input: {}, ...limits })
  expect(await c.result(quick)).toMatchObject({ ok: true })
  const slow = await c.shell({ argv: ['true'] })
  await c.result(slow)
  const said = (id: string) => c.broker.received.filter(m => 'id' in m.body && m.body.id === id)
  expect(said(quick).map(m => [m.kind, 'acked' in m.body])).toEqual([['call.result', true]])
  expect(said(slow).map(m => [m.kind, 'acked' in m.body])).toEqual([
    ['call.acked', false],
    ['call.result', false],
  ])
  expect(journalOf(c.folder).filter(r => 'id' in r && r.id === quick)[0]).toMatchObject({ t: 'start' })
})

test('exit codes, signals and missing programs are failures with their reason', async () => {
  c.start()
  await c.online()
  expect(await c.result(await c.shell({ script: 'echo why >&2; exit 3' }))).toMatchObject({
    failure: { kind: 'exit', code: 3, stderrTail: 'why\n' },
  })
  expect(await c.result(await c.shell({ argv: ['no-such-program'] }))).toMatchObject({
    failure: { kind: 'exit', code: 127 },
  })
  expect(await c.result(await c.shell({ script: 'kill -9 $$' }))).toMatchObject({
    failure: { kind: 'exit', signal: 'SIGKILL' },
  })
})

test('cancel kills what runs, removes what waits, and voids what is unknown', async () => {
  c.start({ REGENT_SLOTS: '1' })
  await c.online()
  const runs = await c.shell({ argv: ['sleep', '60'] })
  const waits = await c.shell({ argv: ['sleep', '60'] })
  const never = newId()
  await until('two acks', () => c.broker.received.filter(m => m.kind === 'call.acked').length === 2)
  for (const id of [waits, runs, never]) await c.broker.send('call.cancel', { id })
  expect(await c.result(waits)).toMatchObject({ failure: { kind: 'cancelled', started: 'no' } })
  expect(await c.result(runs)).toMatchObject({ failure: { kind: 'cancelled', started: 'yes' } })
  await until('the report', () => c.broker.received.some(m => m.kind === 'call.report'))
  await c.shell({ argv: ['true'] }, { id: never })
  expect(await c.result(never)).toMatchObject({ failure: { kind: 'rejected' } })
})

test('no room in the ring is a rejection, and what is unsettled is never evicted', async () => {
  c.broker.settles = false
  c.start({ REGENT_RING_BYTES_MAX: '400000' })
  await c.online()
  const first = await c.shell({ script: 'yes | head -c 60000' })
  expect(await c.result(first)).toMatchObject({ ok: true })
  const ids = await Promise.all(Array.from({ length: 12 }, () => c.shell({ script: 'yes | head -c 60000' })))
  const results = await Promise.all(ids.map(id => c.result(id)))
  const kinds = results.map(r => (r?.ok ? 'ok' : r?.failure.message.split(':')[0]))
  expect(new Set(kinds)).toEqual(new Set(['ok', 'ring-full']))
  await c.broker.send('session.end', { reason: 'test', retry: true })
  await c.result(first, 2)
  const kept = [first, ...ids.filter((_, i) => kinds[i] === 'ok')]
  // Said in a message of its own, or along with the next call.
  await c.broker.send('call.settled', { ids: kept.slice(2) })
  const again = await c.shell({ argv: ['true'] }, { settled: kept.slice(0, 2) })
  expect(await c.result(again)).toMatchObject({ ok: true })
  const settled = () => new Set(journalOf(c.folder).flatMap(r => (r.t === 'settled' ? [r.id] : [])))
  await until('all are settled', () => kept.every(id => settled().has(id)))
})

test('what ran when it stops is reported lost, and an ask is answered for every id', async () => {
  const first = c.start()
  await c.online()
  const runs = await c.shell({ argv: ['sleep', '60'] })
  await until('the ack', () => c.broker.received.some(m => m.kind === 'call.acked'))
  c.broker.settles = false
  expect(await first.kill('SIGTERM')).toBe(0)
  expect(await c.result(runs)).toMatchObject({ failure: { kind: 'lost' } })
  c.start()
  await c.online(2)
  await c.result(runs, 2)
  const unknown = newId()
  await c.broker.send('call.ask', { ids: [runs, unknown] })
  await until('the report', () => c.broker.received.some(m => m.kind === 'call.report'))
  expect(c.broker.received.find(m => m.kind === 'call.report')?.body).toEqual({
    calls: [
      { id: runs, state: 'lost' },
      { id: unknown, state: 'unknown' },
    ],
  })
  expect(journalOf(c.folder).filter(r => r.id === unknown)).toEqual([{ t: 'void', id: unknown }])
})

test('calls beyond the slots wait, are acknowledged as waiting, and say when they run', async () => {
  c.start({ REGENT_SLOTS: '1' })
  await c.online()
  const file = join(c.folder, 'runs')
  const first = await c.shell({ script: `sleep 0.2; echo first >> ${file}` })
  const second = await c.shell({ script: `echo second >> ${file}` })
  await Promise.all([c.result(first), c.result(second)])
  expect(readFileSync(file, 'utf8')).toBe('first\nsecond\n')
  const said = c.broker.received.filter(m => m.kind !== 'call.result' && 'id' in m.body && m.body.id === second)
  expect(said.map(m => [m.kind, m.body])).toEqual([
    ['call.acked', { id: second, running: false }],
    ['call.running', { id: second }],
  ])
})

test('more calls than may wait are rejected at once, and none that was taken is lost', async () => {
  c.start({ REGENT_SLOTS: '1' })
  await c.online()
  const blocker = await c.shell({ argv: ['sleep', '60'] })
  await until('its start', () => c.broker.received.some(m => m.kind === 'call.acked'))
  const ids = Array.from({ length: wireLimits.callsPerAgentMax + 50 }, newId)
  const call = { operation: 'ping', input: {}, timeoutMs: 60_000, outputBytesMax: 1_000, requestId: 'r' }
  for (const id of ids) await c.broker.send('call', { id, ...call })
  const results = () => ids.flatMap(id => c.broker.results.get(id)?.[0]?.result ?? [])
  await until('51 rejections', () => results().length >= 51)
  expect(results()).toHaveLength(51)
  expect(results().every(r => !r.ok && r.failure.message.startsWith('queue-full'))).toBe(true)
  await c.broker.send('call.cancel', { id: blocker })
  await until('all results', () => results().length === ids.length, 20_000)
  expect(results().filter(r => r.ok)).toHaveLength(wireLimits.callsPerAgentMax - 1)
})

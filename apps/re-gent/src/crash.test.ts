import { expect, test } from '@jest/globals'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { newId, type Id } from '@re-ops/protocols'
import fc from 'fast-check'
import { startBroker, type TestBroker } from './testing/broker.ts'
import { startEnrolment } from './testing/enrolment.ts'
import { journalOf, startAgent, temporaryFolder, until, type AgentProcess } from './testing/process.ts'
import { setTimeout as sleep } from 'node:timers/promises'

const carriesOneOf = (ids: ReadonlySet<string>): string[] =>
  readdirSync('/proc').filter(pid => {
    try {
      const id = /REOPS_CALL_ID=([^\0]*)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.[1]
      return id !== undefined && ids.has(id)
    } catch {
      return false // no process, or gone meanwhile
    }
  })
const linesOf = (file: string): string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []

const cluster = async (env: Readonly<Record<string, string>> = {}) => {
  const broker = await startBroker()
  const enrolment = await startEnrolment(broker)
  const folder = temporaryFolder()
  const running = new Set<AgentProcess>()
  return {
    broker,
    folder,
    runs: join(folder.path, 'runs'),
    start: async () => {
      const before = broker.sessions
      const agent = startAgent(folder.path, {
        REGENT_URL: enrolment.url,
        REGENT_TOKEN: enrolment.token,
        REGENT_NAME: 'web-1',
        ...env,
      })
      running.add(agent)
      await until('a session', () => broker.sessions > before)
      return agent
    },
    close: async () => {
      await Promise.all([...running].map(agent => agent.kill('SIGKILL')))
      broker.close()
      await enrolment.close()
      folder.remove()
    },
  }
}
const call = (broker: TestBroker, id: Id, script: string) =>
  broker.send('call', {
    id,
    operation: 'shell',
    input: { script },
    timeoutMs: 20_000,
    outputBytesMax: 4096,
    requestId: 'r',
  })

/** What one life of the agent sees: so many calls, some sent twice, and the moment of its death. */
const life = fc.record({
  calls: fc.integer({ min: 1, max: 12 }),
  twice: fc.boolean(),
  settles: fc.boolean(),
  killAfterMs: fc.integer({ min: 0, max: 250 }),
})

test('killed at random: no call starts twice, each start ends in one result or lost, results come until they are settled', async () => {
  const lives = fc.sample(life, 12)
  const { broker, folder, runs, start, close } = await cluster()
  const sent = new Set<Id>()
  try {
    for (const { calls, twice, settles, killAfterMs } of lives) {
      broker.settles = settles
      const agent = await start()
      for (let n = 0; n < calls; n += 1) {
        const id = newId()
        sent.add(id)
        const script = `echo $REOPS_CALL_ID >> ${runs}; sleep 0.${n % 4}; echo done`
        await call(broker, id, script)
        if (twice) await call(broker, id, script)
      }
      // A broker that forgot what it sent: the worst sender there is.
      for (const id of [...sent].slice(-30))
        if (!broker.results.has(id)) await call(broker, id, `echo ${id} >> ${runs}`)
      await sleep(killAfterMs)
      await agent.kill('SIGKILL')
    }
    broker.settles = true
    const last = await start()
    await broker.send('call.ask', { ids: [...sent] })
    await until('the report', () =>
      broker.received.some(m => m.kind === 'call.report' && m.body.calls.length === sent.size),
    )
    const report = broker.received.findLast(m => m.kind === 'call.report' && m.body.calls.length === sent.size)
    const calls = report?.kind === 'call.report' ? report.body.calls : []
    const started = calls.filter(c => c.state !== 'unknown').map(c => c.id)
    await until('a result of every started call', () => started.every(id => broker.results.has(id)))

    const ran = linesOf(runs)
    expect(ran.length).toBe(new Set(ran).size)
    const unknown = new Set(calls.filter(c => c.state === 'unknown').map(c => c.id))
    expect(ran.filter(id => unknown.has(id))).toEqual([])
    const starts = journalOf(folder.path).filter(r => r.t === 'start')
    expect(starts.length).toBe(new Set(starts.map(r => r.id)).size)
    for (const results of broker.results.values())
      expect(new Set(results.map(r => JSON.stringify(r.result))).size).toBe(1) // the same terminal state, however often it came
    const lost = [...broker.results].flatMap(([id, [r]]) =>
      r?.result.ok === false && r.result.failure.kind === 'lost' ? [id] : [],
    )
    expect(carriesOneOf(new Set(lost))).toEqual([])
    expect(await last.kill('SIGTERM')).toBe(0)
    const settled = new Set(journalOf(folder.path).flatMap(r => (r.t === 'settled' ? [r.id] : [])))
    expect(started.filter(id => !settled.has(id))).toEqual([])
  } finally {
    await close()
  }
})

test('what a killed agent left running is killed by the next one, before it is reported lost', async () => {
  const { broker, runs, start, close } = await cluster()
  try {
    const first = await start()
    const id = newId()
    await call(broker, id, `echo $$ >> ${runs}; (setsid sleep 60 &) ; sleep 60`)
    await until('the processes', () => carriesOneOf(new Set([id])).length >= 3)
    await first.kill('SIGKILL')
    expect(carriesOneOf(new Set([id])).length).toBeGreaterThanOrEqual(3)
    await start()
    await until('the result', () => broker.results.has(id))
    expect(broker.results.get(id)?.[0]?.result).toMatchObject({ failure: { kind: 'lost', started: 'yes' } })
    expect(carriesOneOf(new Set([id]))).toEqual([])
  } finally {
    await close()
  }
})

test('without its journal (seeded bug) a call does start twice', async () => {
  const { broker, runs, start, close } = await cluster({ REOPS_FAULTS: 'no-journal', REOPS_PROOF_KIT: '1' })
  try {
    const id = newId()
    const first = await start()
    await call(broker, id, `echo run >> ${runs}; sleep 60`)
    await until('the first run', () => linesOf(runs).length === 1)
    await first.kill('SIGKILL')
    await start()
    await call(broker, id, `echo run >> ${runs}`)
    await until('the second run', () => linesOf(runs).length === 2)
    for (const pid of carriesOneOf(new Set([id]))) process.kill(Number(pid), 'SIGKILL')
  } finally {
    await close()
  }
})

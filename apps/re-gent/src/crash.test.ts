import { expect, test } from '@jest/globals'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { newId, type Id } from '@re-ops/protocols'
import fc from 'fast-check'
import { killLeftovers } from './leftovers.ts'
import { startCluster, type Cluster } from './testing/cluster.ts'
import { journalOf, until, type AgentProcess } from './testing/process.ts'
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

const next = async (c: Cluster): Promise<AgentProcess> => {
  const before = c.broker.sessions
  const agent = c.start()
  await c.online(before + 1)
  return agent
}

/** What one life of the agent sees: so many calls, some sent twice, and the moment of its death. */
const life = fc.record({
  calls: fc.integer({ min: 1, max: 12 }),
  twice: fc.boolean(),
  settles: fc.boolean(),
  killAfterMs: fc.integer({ min: 0, max: 250 }),
})

test('killed at random: no call starts twice, each start ends in one result or lost, results come until they are settled', async () => {
  const lives = fc.sample(life, 10)
  const c = await startCluster()
  const { broker } = c
  const runs = join(c.folder, 'runs')
  const sent = new Set<Id>()
  try {
    for (const { calls, twice, settles, killAfterMs } of lives) {
      broker.settles = settles
      const agent = await next(c)
      for (let n = 0; n < calls; n += 1) {
        const id = newId()
        sent.add(id)
        const script = `echo $REOPS_CALL_ID >> ${runs}; sleep 0.${n % 4}; echo done`
        await c.shell({ script: script }, { id })
        if (twice) await c.shell({ script: script }, { id })
      }
      // A broker that forgot what it sent: the worst sender there is.
      for (const id of [...sent].slice(-30))
        if (!broker.results.has(id)) await c.shell({ script: `echo ${id} >> ${runs}` }, { id })
      await sleep(killAfterMs)
      await agent.kill('SIGKILL')
    }
    broker.settles = true
    const last = await next(c)
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
    const starts = journalOf(c.folder).filter(r => r.t === 'start')
    expect(starts.length).toBe(new Set(starts.map(r => r.id)).size)
    for (const results of broker.results.values())
      expect(new Set(results.map(r => JSON.stringify(r.result))).size).toBe(1) // the same terminal state, however often it came
    const lost = [...broker.results].flatMap(([id, [r]]) =>
      r?.result.ok === false && r.result.failure.kind === 'lost' ? [id] : [],
    )
    expect(carriesOneOf(new Set(lost))).toEqual([])
    expect(await last.kill('SIGTERM')).toBe(0)
    const settled = new Set(journalOf(c.folder).flatMap(r => (r.t === 'settled' ? [r.id] : [])))
    expect(started.filter(id => !settled.has(id))).toEqual([])
  } finally {
    await c.close()
  }
})

test('what a killed agent left running is killed by the next one, before it is reported lost', async () => {
  const c = await startCluster()
  const { broker } = c
  const runs = join(c.folder, 'runs')
  try {
    const first = await next(c)
    const id = newId()
    await c.shell({ script: `echo $$ >> ${runs}; (setsid sleep 60 &) ; sleep 60` }, { id })
    await until('the processes', () => carriesOneOf(new Set([id])).length >= 3)
    await first.kill('SIGKILL')
    expect(carriesOneOf(new Set([id])).length).toBeGreaterThanOrEqual(3)
    await next(c)
    await until('the result', () => broker.results.has(id))
    expect(broker.results.get(id)?.[0]?.result).toMatchObject({ failure: { kind: 'lost', started: 'yes' } })
    expect(carriesOneOf(new Set([id]))).toEqual([])
  } finally {
    await c.close()
  }
})

test('without its journal (seeded bug) a call does start twice', async () => {
  const c = await startCluster({ REOPS_FAULTS: 'no-journal', REOPS_PROOF_KIT: '1' })
  const runs = join(c.folder, 'runs')
  try {
    const id = newId()
    const first = await next(c)
    await c.shell({ script: `echo run >> ${runs}; sleep 60` }, { id })
    await until('the first run', () => linesOf(runs).length === 1)
    await first.kill('SIGKILL')
    await next(c)
    await c.shell({ script: `echo run >> ${runs}` }, { id })
    await until('the second run', () => linesOf(runs).length === 2)
    expect(await killLeftovers(new Map([[id, null]]))).toBeGreaterThan(0)
  } finally {
    await c.close()
  }
})

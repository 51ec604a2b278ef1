import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { isClientError, makeClient } from '@re-ops/client'
import { startCluster } from './cluster.ts'
import { eventually, leftOf, processesOf, startSupervisor, stateFile, type Supervisor } from './testing.ts'

let state: string
const started: Supervisor[] = []
beforeEach(() => {
  state = realpathSync(mkdtempSync(join(tmpdir(), 'reops-life-')))
})
afterEach(async () => {
  for (const one of started.splice(0)) {
    one.process.kill('SIGTERM')
    await one.ended
  }
  for (const { pid } of processesOf(state)) process.kill(pid, 'SIGKILL')
  rmSync(state, { recursive: true, force: true })
})

const start = async (...args: readonly string[]) => {
  const supervisor = startSupervisor(state, ...args)
  started.push(supervisor)
  await eventually(`the start (it said: ${supervisor.said()})`, 60_000, () => {
    if (supervisor.process.exitCode !== null) throw new Error(supervisor.said())
    return supervisor.said().includes('Ctrl-C stops everything')
  })
  const cluster = stateFile(state, 'cluster') as { coreUrl: string; moteUrl: string; tokenFile: string }
  const token = readFileSync(cluster.tokenFile, 'utf8').trim()
  return { supervisor, cluster, client: makeClient({ ...cluster, token }) }
}

/** A service that is on its way back is not there yet. */
const whenReached = <A>(ask: () => Promise<A>): Promise<A | null> =>
  ask().catch((error: unknown) => {
    if (isClientError(error, 'unreachable')) return null
    throw error
  })

test('Ctrl-C ends everything, and the next start finds the same systems, hosts and runs', async () => {
  const first = await start()
  const before = {
    systems: await first.client.core.systems(),
    hosts: await first.client.mote.hosts(),
    runs: await first.client.mote.runs(),
  }
  const at = performance.now()
  first.supervisor.process.kill('SIGINT')
  expect(await first.supervisor.ended).toBe(0)
  // Under five seconds where nothing else runs; this only tells moments from minutes.
  expect(performance.now() - at).toBeLessThan(30_000)
  expect(await leftOf(state)).toEqual([])

  const second = await start()
  const ids = (all: readonly { id: string }[]) => all.map(one => one.id).toSorted()
  const [systems, hosts, runs] = await Promise.all([
    second.client.core.systems(),
    second.client.mote.hosts(),
    second.client.mote.runs(),
  ])
  expect(systems.map(system => system.desired)).toEqual(['running', 'running', 'running'])
  expect(ids(systems)).toEqual(ids(before.systems))
  expect(ids(hosts)).toEqual(ids(before.hosts))
  expect(ids(runs)).toEqual(expect.arrayContaining(ids(before.runs)))
}, 120_000)

test('kill -9 of the supervisor: services and Postgres end by themselves, and the next start takes the machines over', async () => {
  const first = await start()
  const machines = (await first.client.mote.hosts({ on: 'role=demo' })).map(host => String(host.pid)).toSorted()
  first.supervisor.process.kill('SIGKILL')
  await first.supervisor.ended
  const rest = (pattern: RegExp) => processesOf(state).filter(one => pattern.test(one.command))
  await eventually('the services end', 40_000, () => rest(/apps\/re-(mote|core)|hosts\/this/).length === 0)
  await eventually('Postgres ends', 40_000, () => rest(/postgres/).length === 0)

  const second = await start()
  const again = await second.client.mote.hosts({ on: 'role=demo' })
  expect(again.map(host => String(host.pid)).toSorted()).toEqual(machines)
}, 120_000)

test('a second supervisor on the same folder is refused, and the first is not disturbed', async () => {
  const { client } = await start()
  const second = startSupervisor(state, '--once')
  expect(await second.ended).toBe(1)
  expect(second.said()).toMatch(/in use by another supervisor \(pid \d+\)/)
  expect(await client.mote.hosts()).toHaveLength(4)
}, 90_000)

test.each(['postgres', 're-mote', 'broker', 're-core', 'agent'] as const)(
  '%s is started again after kill -9, and everything works as before',
  async part => {
    const cluster = await startCluster({ state, ports: 0, systems: 1, onLine: () => undefined })
    try {
      const before = cluster.pids()[part]
      expect(before).not.toBeNull()
      expect(cluster.kill(part)).toBe(true)
      await eventually(`${part} comes back`, 30_000, () => {
        const now = cluster.pids()[part]
        return now !== null && now !== before
      })
      await eventually('a run is ok on both hosts', 40_000, () =>
        whenReached(async () => {
          const pipeline = { kind: 'call', operation: 'ping' }
          const run = await cluster.client.mote.createRun({ on: '*', pipeline }, { waitMs: 5_000 })
          return run.summary.ok === 2
        }),
      )
      await eventually('re-core answers', 40_000, () => whenReached(() => cluster.client.core.systems()))
      const made = await cluster.client.core.createSystems({ name: 'after' })
      const id = made.systems[0]?.id ?? ''
      await eventually(
        'a system becomes ready',
        30_000,
        async () => (await cluster.client.core.system(id)).phase === 'ready',
      )
    } finally {
      await cluster.stop()
    }
    expect(await leftOf(state)).toEqual([])
  },
  120_000,
)

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startMote, type TestMote } from '@re-ops/re-mote/testing'
import { makeLog, startPostgres } from '@re-ops/service'
import { startFleet, type Fleet } from '../../simulator/index.ts'
import { isAlive } from '../foundation/parts.ts'
import { windowsText } from '../foundation/windows.ts'
import { seededBugs, type Plan } from './plan.ts'

/** What is disturbed: services with their brokers on one PostgreSQL with real durability, started again when they die, and a fleet. */
export type Rig = {
  readonly folder: string
  readonly databaseUrl: string
  readonly motes: readonly TestMote[]
  readonly token: string
  readonly fleet: Fleet
  /** Of the service itself and of its broker; null while it is down. */
  servicePid(mote: TestMote): number | null
  brokerPid(mote: TestMote): number | null
  /** When it dies the next time it is not started again at once, but after so long. */
  awayFor(mote: TestMote, ms: number): void
  /** Leaves the folders where they are, for who wants to know what happened. */
  keep(): void
}

const readyWithinMs = 300_000
const againMs = 100

/** Starts it again for as long as `stopped` does not say otherwise. */
const keepUp = async (mote: TestMote, stopped: AbortSignal, away: Map<TestMote, number>): Promise<void> => {
  while (!stopped.aborted) {
    await mote.exited
    await wait(away.get(mote) ?? 0, undefined, { signal: stopped }).catch(() => undefined)
    away.delete(mote)
    if (stopped.aborted) return
    // The ports may still be held by what is going down.
    await mote.again().catch(() => wait(againMs))
  }
}

const servicePid = ({ pid }: TestMote): number | null => (isAlive(pid) ? pid : null)
const brokerPid = ({ state }: TestMote): number | null => {
  try {
    const { brokers } = JSON.parse(readFileSync(join(state, 're-mote.json'), 'utf8')) as { brokers?: { pid: number }[] }
    const pid = brokers?.[0]?.pid
    return pid !== undefined && isAlive(pid) ? pid : null
  } catch {
    return null // the service is down, or writes it now
  }
}

const serviceEnvironment = ({ fault, commitMs }: Plan) => ({
  REMOTE_ENROLS_PER_MINUTE: '1000000',
  REOPS_LOG_LEVEL: 'warn',
  REOPS_PROOF_KIT: '1',
  REOPS_WINDOWS: windowsText({ commit: commitMs }),
  ...(fault !== undefined && seededBugs[fault].of === 'service' ? { REOPS_FAULTS: fault } : {}),
})
const agentEnvironment = ({ fault }: Plan): Record<string, string> =>
  fault !== undefined && seededBugs[fault].of === 'agents' ? { REOPS_PROOF_KIT: '1', REOPS_FAULTS: fault } : {}

/** Builds it all, hands it over, and takes it down again. */
export const withRig = async <A>(plan: Plan, use: (rig: Rig) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-delivery-'))
  const stop = new AbortController()
  let isKept = false
  const ends: (() => Promise<unknown> | void)[] = [
    () => void (isKept || rmSync(folder, { recursive: true, force: true })),
  ]
  try {
    const log = makeLog({ service: 'chaos', level: 'silent' })
    const postgres = await startPostgres({ folder: join(folder, 'postgres'), log })
    ends.push(() => postgres.stop())
    const motes: TestMote[] = []
    const away = new Map<TestMote, number>()
    const environment = serviceEnvironment(plan)
    for (let n = 0; n < plan.brokers; n += 1) {
      const first = motes[0]
      // One installation has one master key and one token key, wherever its services run.
      const keys = first && {
        REOPS_MASTER_KEY: `file:${join(first.state, 'master.key')}`,
        REOPS_TOKEN_KEY: `file:${join(first.state, 'token.key')}`,
      }
      const mote = await startMote({ databaseUrl: postgres.url, environment: { ...environment, ...keys } })
      motes.push(mote)
      const up = keepUp(mote, stop.signal, away)
      ends.push(async () => {
        stop.abort()
        await mote.stop()
        await up
      })
    }
    const [mote] = motes as [TestMote]
    const token = await mote.token('admin')
    const { agents, processes, seed, tookMs, shares } = plan
    const fleet = await startFleet({
      agents,
      processes,
      seed,
      moteUrl: mote.url,
      token,
      stateFolder: join(folder, 'fleet'),
      faults: shares,
      operations: [{ name: 'shell', reads: false, tookMs, value: { stdout: '', stderr: '', code: 0 } }],
      environment: agentEnvironment(plan),
    })
    ends.push(() => fleet.stop())
    await fleet.ready(readyWithinMs)
    const keep = () => {
      isKept = true
      motes.forEach(({ log }, n) => writeFileSync(join(folder, `re-mote-${n}.log`), log()))
    }
    return await use({
      folder,
      databaseUrl: postgres.url,
      motes,
      token,
      fleet,
      servicePid,
      brokerPid,
      awayFor: (mote, ms) => void away.set(mote, ms),
      keep,
    })
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

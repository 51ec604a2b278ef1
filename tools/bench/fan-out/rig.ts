import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startMote, type TestMote } from '@re-ops/re-mote/testing'
import { makeLog, startPostgres } from '@re-ops/service'
import { curveKeyPair, Router } from 'zeromq'
import { startBareFleet, startFleet, type BareFleet, type Fleet } from '../../simulator/index.ts'
import { residentKiB } from './cpu.ts'
import { makeRoundTrips, type RoundTrips } from './round-trips.ts'

/** What is measured: re-mote on a PostgreSQL of its own with real durability, a fleet, and bare peers beside it. */
export type Rig = {
  readonly agents: number
  readonly mote: TestMote
  readonly token: string
  readonly databaseUrl: string
  readonly fleet: Fleet
  readonly bare: RoundTrips & { pids(): readonly number[] }
  /** What the broker grew by when all had a session. */
  readonly brokerKiBPerAgent: number
  pids(): Readonly<Record<'service' | 'broker' | 'postgres', number>> & { readonly simulator: readonly number[] }
}
export type RigOptions = {
  readonly agents: number
  readonly processes: number
  readonly messageBytes: number
  readonly say: (line: string) => void
}

const readyWithinMs = 600_000

/** Builds it all, hands it over, and takes it down again. */
export const withRig = async <A>(options: RigOptions, use: (rig: Rig) => Promise<A>): Promise<A> => {
  const { agents, processes, say } = options
  const folder = mkdtempSync(join(tmpdir(), 'reops-fan-out-'))
  const ends: (() => Promise<unknown> | void)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const log = makeLog({ service: 'bench', level: 'silent' })
    const postgres = await startPostgres({ folder: join(folder, 'postgres'), log })
    ends.push(() => postgres.stop())
    const environment = { REMOTE_ENROLS_PER_MINUTE: '1000000', REOPS_LOG_LEVEL: 'info' }
    const mote = await startMote({ databaseUrl: postgres.url, environment })
    ends.push(() => mote.stop())
    const token = await mote.token('admin')
    const emptyKiB = residentKiB(brokerPid(mote.state))
    const from = performance.now()
    const fleetOptions = { agents, processes, moteUrl: mote.url, token, stateFolder: join(folder, 'fleet') }
    const fleet = await startFleet(fleetOptions)
    ends.push(() => fleet.stop())
    await fleet.ready(readyWithinMs)
    say(
      `${agents} agents in ${processes} processes enrolled and connected after ${seconds(performance.now() - from)} s`,
    )
    const brokerKiBPerAgent = (residentKiB(brokerPid(mote.state)) - emptyKiB) / agents
    const bare = await startBare(options, ends)
    await fleet.ready(readyWithinMs) // thousands of handshakes beside it may have cost sessions on a busy machine
    const pids = () => ({
      service: mote.pid,
      broker: brokerPid(mote.state),
      postgres: postgres.pid,
      simulator: fleet.pids(),
    })
    return await use({ agents, mote, token, databaseUrl: postgres.url, fleet, bare, brokerKiBPerAgent, pids })
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

const seconds = (ms: number) => (ms / 1_000).toFixed(1)

const startBare = async (
  { agents, processes, messageBytes }: RigOptions,
  ends: (() => Promise<unknown> | void)[],
): Promise<Rig['bare']> => {
  const curve = curveKeyPair()
  // As re-mote's broker: with a time limit of its own, two that send at once do not get in each other's way (EBUSY).
  const limits = { linger: 0, backlog: 4_096, sendHighWaterMark: 0, sendTimeout: 0, mandatory: true }
  const router = new Router({ curveServer: true, curveSecretKey: curve.secretKey, ...limits })
  ends.push(() => router.close())
  await router.bind('tcp://127.0.0.1:*')
  const endpoint = router.lastEndpoint ?? ''
  const peers: BareFleet = startBareFleet({ agents, processes, endpoint, serverKey: curve.publicKey })
  ends.push(() => peers.stop())
  return { ...(await makeRoundTrips(router, { agents, messageBytes })), pids: peers.pids }
}

/** The broker's process, as re-mote says it. */
const brokerPid = (state: string): number => {
  const { brokers } = JSON.parse(readFileSync(join(state, 're-mote.json'), 'utf8')) as { brokers: { pid: number }[] }
  return brokers[0]?.pid ?? Number.NaN
}

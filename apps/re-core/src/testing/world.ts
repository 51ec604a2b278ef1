import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { LimitSpec, Provider, SystemSpec, Verb, VerbInput } from '@re-ops/protocols'
import { makeLog, makePool, transaction as inTransaction, type Tx } from '@re-ops/service'
import type { Store } from '../jobs/attempt.ts'
import { newRow } from '../jobs/newRow.ts'
import { startQueue, type Queue } from '../jobs/queue.ts'
import { startWorker, timings, type Timings, type Worker } from '../jobs/worker.ts'
import { shippedPrices } from '../prices/file.ts'
import { makeMoteHttp } from '../moteHttp.ts'
import { powerOffAll } from '../providers/local/power.ts'
import { identityOf } from '../providers/identity.ts'
import { localDriver } from '../providers/local/driver.ts'
import { makeLocal } from '../providers/local/local.ts'
import { markedProcesses } from '../providers/local/process.ts'
import type { LocalDeps } from '../providers/local/start.ts'
import { noLimiter } from '../providers/plain.ts'
import { onlyPlace, type PlaceKey } from '../providers/place.ts'
import { makeLimiter } from '../limits/limiter.ts'
import type { Open } from '../providers/opener.ts'
import type { ServiceDeps } from '../services/deps.ts'
import { want } from '../services/want.ts'
import { installationId } from '../store/installation.ts'
import { cancelJob, insertJob, jobInFlight, newJob } from '../store/jobs.ts'
import { migrations } from '../store/migrations.ts'
import { claimVolumes } from '../store/beside-volumes.ts'
import type { SystemRow } from '../store/row.ts'
import { claimSystem, insertSystem, systemById, writeSystem } from '../store/systems.ts'
import { openByHand, openClouds, placeOf, type TestAccount } from './clouds.ts'
import { startFakeMote } from './mote.ts'
import { until } from './service.ts'
import { standIn, testCipher, testSpec } from './standard.ts'

export type WorkerOptions = {
  timings?: Partial<Timings>
  reaper?: 'on' | 'dry-run'
  /** The provider, with something about it changed. */
  wrap?: (provider: Provider) => Provider
  now?: () => number
  at?: (point: string, system: string) => void | Promise<void>
  localAt?: LocalDeps['at']
  store?: (store: Store) => Store
  queue?: (queue: Queue) => Queue
  /** The limits of calls that all workers share; otherwise there are none. */
  limits?: readonly LimitSpec[]
}

export type WorldSetup = {
  /** What seals requests; worker processes are told the same. */
  readonly key?: Buffer
  readonly spec?: (name: string) => SystemSpec
  /** Whether the agent of that system's machine has called home; of other machines than processes of this computer. */
  readonly callsHome?: (system: string, generation: number) => Promise<boolean>
  /** At stand-ins of clouds, beside this computer; the first is where systems are made unless their spec says otherwise. */
  readonly accounts?: readonly TestAccount[]
}

/** Real Postgres, real queue, real processes as machines; re-mote is the documented API in memory. */
export const makeWorld = async (url: string, setup: WorldSetup = {}) => {
  const { key = randomBytes(32), spec = testSpec, accounts = [] } = setup
  const pool = makePool({ url, log: makeLog({ service: 'test', level: 'silent' }), max: 10 })
  const root = await mkdtemp(join(tmpdir(), 'machines-'))
  await pool.query('create schema if not exists core')
  for (const { sql } of migrations) await pool.query(sql)
  const installation = await installationId(pool)
  const cipher = testCipher(key)
  const logs: string[] = []
  const log = {
    warn: (fields: object, text: string) => void logs.push(JSON.stringify(fields) + text),
    info: (fields: object, text: string) => void logs.push(JSON.stringify(fields) + text),
    error: (fields: object, text: string) => void logs.push(JSON.stringify(fields) + text),
  }
  const transaction = <T>(fn: (tx: Tx) => Promise<T>): Promise<T> => inTransaction(pool, fn)
  const localDeps = (at?: LocalDeps['at']): LocalDeps => ({
    root,
    agentCommand: standIn,
    now: Date.now,
    stopGraceMs: 500,
    ...(at ? { at } : {}),
  })
  const local = (at?: LocalDeps['at']) => makeLocal(localDeps(at))
  const clouds = await openClouds(pool, accounts, new Map([['local', localDriver(localDeps())]]))
  const running = async () => {
    const all = (await markedProcesses()).filter(one => one.folder.startsWith(root) && one.isAgent)
    return all.map(one => one.folder.slice(root.length + 1))
  }
  // The walk over the process table is shared by all who ask within moments.
  let walk = { at: 0, refs: running() }
  const isProcessUp = async (system: string, generation: number) => {
    if (performance.now() - walk.at > 50) walk = { at: performance.now(), refs: running() }
    const refs = await walk.refs
    return [0, 1, 2].some(candidate => refs.includes(identityOf(installation, system, generation, candidate).uuid))
  }
  const mote = await startFakeMote(setup.callsHome ?? isProcessUp)
  const token = async () => 'test-token'
  const queues: Queue[] = []
  const workers: Worker[] = []
  const byHand = openByHand(accounts)
  const [first] = accounts
  const here = onlyPlace('local')
  /** Of a place, in the test's own hands; of the first one when none is named. */
  const provider = (place: PlaceKey = first === undefined ? here : placeOf(first)): Provider =>
    place.provider === 'local' ? local() : byHand(place)
  /** Providers as one worker has them. */
  const openFor = async ({ wrap = one => one, localAt, limits: specs }: WorkerOptions): Promise<Open> => {
    const limiter = (place: PlaceKey) =>
      specs === undefined ? noLimiter : makeLimiter({ sql: pool, log }, { ...place, specs })
    const own = local(localAt)
    const { open } = specs === undefined ? clouds : await openClouds(pool, accounts, new Map(), limiter)
    const wrapped = new Map<Provider, Provider>()
    return async place => {
      const one = place.provider === 'local' ? own : await open(place)
      const known = wrapped.get(one) ?? wrap(one)
      wrapped.set(one, known)
      return known
    }
  }
  const startOne = async (options: WorkerOptions = {}): Promise<Worker> => {
    const plain = await startQueue({ url, log })
    queues.push(plain)
    const worker = await startWorker({
      pool,
      transaction,
      queue: options.queue?.(plain) ?? plain,
      drivers: new Map([...clouds.opener.drivers, ['local', localDriver(localDeps(options.localAt))]]),
      open: await openFor(options),
      mote: { mote: makeMoteHttp({ url: mote.url, token, timeoutMs: 2_000 }), token },
      cipher,
      installation,
      fenced: true,
      reaper: options.reaper ?? 'on',
      timings: {
        ...timings,
        leasesMs: 3_600_000,
        tickMs: 300,
        observeMs: 200,
        restartDelayMs: 500,
        ...options.timings,
      },
      log,
      // On an API whoever waits would wait for seconds.
      ...(first === undefined ? {} : { random: () => 0 }),
      ...(options.at ? { at: options.at } : {}),
      ...(options.now ? { now: options.now } : {}),
      ...(options.store ? { store: options.store } : {}),
    })
    workers.push(worker)
    return worker
  }
  const sender = await startQueue({ url, log })
  const create = async (
    name: string,
    onId: (id: string) => void | Promise<void> = () => {},
    more: Partial<SystemRow> = {},
  ): Promise<string> => {
    const row = { ...newRow(spec(name), Date.now()), ...more }
    await onId(row.id)
    await transaction(async tx => {
      await insertSystem(tx, row, newJob(row, 'create', row.createdAt))
      await claimVolumes(tx, row, row.options.volumes ?? [])
      await sender.later(tx, row.id, 0)
    })
    return row.id
  }
  const ask = (id: string, verb: Exclude<Verb, 'create'>, input: VerbInput = {}) =>
    transaction(async tx => {
      const row = await claimSystem(tx, id)
      if (row === null) throw new Error('no such system')
      const open = await jobInFlight(tx, id)
      if (open !== null) await cancelJob(tx, open.id, 'superseded', Date.now())
      await writeSystem(tx, row, want(row, verb, Date.now(), input), { at: Date.now(), fenced: true })
      await insertJob(tx, row, verb, Date.now(), input)
      await sender.wake(tx, id)
    })
  const row = async (id: string): Promise<SystemRow> => {
    const found = await systemById(pool, id)
    if (found === null) throw new Error('no such system')
    return found
  }
  /** What the services of re-core's HTTP API are given, for calling them without HTTP. */
  const services = (only?: Provider): ServiceDeps => ({
    pool,
    transaction,
    queue: sender,
    begin: ({ id }) => void sender.wake(pool, id),
    freezeNew: () => null,
    open: async place => only ?? (place.provider === 'local' ? local() : clouds.open(place)),
    opener: clouds.opener,
    installation,
    prices: shippedPrices,
    cipher,
    hasMote: true,
    now: Date.now,
  })
  return {
    pool,
    services,
    root,
    url,
    mote,
    logs,
    sender,
    installation,
    local,
    provider,
    running,
    until,
    create,
    ask,
    row,
    startOne,
    phase: async (id: string, phase: string, ms?: number) => {
      try {
        return await until(`${id} is ${phase}`, async () => ((await row(id)).phase === phase ? row(id) : null), ms)
      } catch (error) {
        const { frozenRequest: _, ...shown } = await row(id)
        const tail = logs.slice(-10).join('\n')
        throw new Error(`${(error as Error).message}: ${JSON.stringify(shown)}\n${tail}`, { cause: error })
      }
    },
    /** Ready in that generation. */
    life: (id: string, generation: number, ms?: number) =>
      until(
        `${id} is ready in generation ${generation}`,
        async () => {
          const found = await row(id)
          return found.generation === generation && found.phase === 'ready' && found
        },
        ms,
      ),
    /** Another worker takes the row without a message, as a start's sweep does. */
    attemptDirectly: async (id: string) => (await startOne({ timings: { observeMs: 3_600_000 } })).attempt(id),
    stopWorkers: () => Promise.all(workers.splice(0).map(worker => worker.stop())),
    stop: async () => {
      await Promise.all(workers.splice(0).map(worker => worker.stop()))
      await Promise.all(queues.map(queue => queue.stop()))
      await sender.stop()
      await mote.stop()
      await pool.end()
      await powerOffAll(root, 0)
      await rm(root, { recursive: true, force: true })
    },
  }
}
export type World = Awaited<ReturnType<typeof makeWorld>>

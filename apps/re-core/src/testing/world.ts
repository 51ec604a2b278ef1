import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Provider, SystemSpec, Verb, VerbInput } from '@re-ops/protocols'
import { makeLog, makePool, transaction as inTransaction, type Tx } from '@re-ops/service'
import type { Cipher, Store } from '../jobs/attempt.ts'
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
import type { ServiceDeps } from '../services/deps.ts'
import { want } from '../services/want.ts'
import { installationId } from '../store/installation.ts'
import { cancelJob, insertJob, jobInFlight } from '../store/jobs.ts'
import { migrations } from '../store/migrations.ts'
import { claimVolumes } from '../store/beside-volumes.ts'
import type { SystemRow } from '../store/row.ts'
import { claimSystem, insertSystem, systemById, writeSystem } from '../store/systems.ts'
import { openClouds, type TestAccount } from './clouds.ts'
import { startFakeMote } from './mote.ts'

/** A stand-in agent: lives until told otherwise, and has a child of its own, as a real one has. */
export const standIn = ['/bin/sh', '-c', 'sleep 600 & wait', 'agent']

export const testSpec = (name: string): SystemSpec => ({
  name,
  provider: 'local',
  account: 'local',
  region: 'local',
  options: {},
  type: 'web',
  size: 'process',
  image: 'this-computer',
  labels: { env: 'test' },
  readiness: 'agent',
  protected: false,
})

export const testCipher = (key: Buffer): Cipher => {
  return {
    seal: (text, context) => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()])
    },
    open: (sealed, context) => {
      const open = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(context))
      open.setAuthTag(sealed.subarray(-16))
      return Buffer.concat([open.update(sealed.subarray(12, -16)), open.final()]).toString()
    },
  }
}

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
}

const until = async <T>(what: string, look: () => Promise<T | null | false>, ms = 40_000): Promise<T> => {
  const deadline = performance.now() + ms
  for (;;) {
    const found = await look()
    if (found !== null && found !== false) return found
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

export type WorldSetup = {
  /** What seals requests; worker processes are told the same. */
  readonly key?: Buffer
  readonly spec?: (name: string) => SystemSpec
  /** Whether the agent of that system's machine has called home; of other machines than processes of this computer. */
  readonly callsHome?: (system: string, generation: number) => Promise<boolean>
  /** At stand-ins of clouds, beside this computer. */
  readonly accounts?: readonly TestAccount[]
}

/** Real Postgres, real queue, real processes as machines; re-mote is the documented API in memory. */
export const makeWorld = async (url: string, setup: WorldSetup = {}) => {
  const { key = randomBytes(32), spec = testSpec } = setup
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
  const clouds = await openClouds(pool, setup.accounts ?? [], new Map([['local', localDriver(localDeps())]]))
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
  const startOne = async (options: WorkerOptions = {}): Promise<Worker> => {
    const plain = await startQueue({ url, log })
    queues.push(plain)
    const provider = (options.wrap ?? (one => one))(local(options.localAt))
    const driver = { ...localDriver(localDeps(options.localAt)), open: () => provider }
    const worker = await startWorker({
      pool,
      transaction,
      queue: options.queue?.(plain) ?? plain,
      drivers: new Map([...clouds.opener.drivers, ['local', driver]]),
      open: place => (place.provider === 'local' ? Promise.resolve(provider) : clouds.open(place)),
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
      await insertSystem(tx, row)
      await claimVolumes(tx, row, row.options.volumes ?? [])
      await insertJob(tx, row, 'create', row.createdAt)
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
  const services = (provider: Provider = local()): ServiceDeps => ({
    pool,
    transaction,
    queue: sender,
    begin: id => void sender.wake(pool, id),
    open: place => (place.provider === 'local' ? Promise.resolve(provider) : clouds.open(place)),
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

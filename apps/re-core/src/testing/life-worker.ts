import { AsyncLocalStorage } from 'node:async_hooks'
import type { Limiter, Provider, ProviderKind } from '@re-ops/protocols'
import { makeLog, makePool, transaction } from '@re-ops/service'
import type { Store } from '../jobs/attempt.ts'
import { startQueue } from '../jobs/queue.ts'
import { startWorker, timings } from '../jobs/worker.ts'
import { makeMoteHttp } from '../moteHttp.ts'
import { doDriver } from '../providers/digitalocean/driver.ts'
import type { Driver } from '../providers/driver.ts'
import { ec2Driver } from '../providers/ec2/driver.ts'
import { kvmDriver } from '../providers/kvm/driver.ts'
import { localDriver } from '../providers/local/driver.ts'
import { installationId } from '../store/installation.ts'
import { naiveProvider, naiveStore } from './naive.ts'
import { standIn, testCipher } from './standard.ts'

/** What a worker process that is killed at a step is told, as JSON in its first argument. */
export type LifeWorker = {
  readonly databaseUrl: string
  readonly moteUrl: string
  /** Base64; what seals requests. */
  readonly key: string
  readonly kind: ProviderKind
  readonly settings: Readonly<Record<string, unknown>>
  readonly secret: string | null
  readonly region: string
  /** Folder of the machines that are processes of this computer. */
  readonly root: string
  /** Guests are started with their CPUs stopped. */
  readonly paused: boolean
  /** The stand-in's own times, in ms. */
  readonly caps: { readonly maxVisibilityLagMs: number; readonly latestLandingMs: number }
  /** Seeded bug: creates, then saves the id. */
  readonly naive: boolean
}
/** Begins the work, or (from a worker at work) a new count of steps: each of these systems stops for ever at its step. */
export type LifeOrder = { readonly holds: readonly (readonly [system: string, step: string])[] }
/** What it tells: that it is loaded; each step of a system as it comes to it, `name#n`, n-th of that name; that it stopped there. */
export type Happened =
  { readonly kind: 'loaded' } | { readonly kind: 'at' | 'held'; readonly system: string; readonly step: string }

const lanes = 40
const forEver = new Promise<never>(() => {})
/** A batch of looks serves many systems at once: who is held there would hold them all. */
const ownCalls = ['create', 'act', 'destroy']
const writes = ['write', 'saveRef', 'forgetSighting', 'sightingDestroyed', 'noteScarce', 'finish'] as const

/** Counts steps of each system, tells of them, and stops systems where they were told to. */
const makeSteps = (tell: (happened: Happened) => void) => {
  let holds = new Map<string, string>()
  const counts = new Map<string, number>()
  const held = new Set<string>()
  return {
    order: (order: LifeOrder): void => {
      holds = new Map(order.holds)
      counts.clear()
    },
    at: async (name: string, system: string | undefined): Promise<void> => {
      if (system === undefined) return
      if (held.has(system)) return forEver
      const key = `${system} ${name}`
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      const step = `${name}#${count}`
      tell({ kind: 'at', system, step })
      if (holds.get(system) !== step) return
      held.add(system)
      tell({ kind: 'held', system, step })
      return forEver
    },
  }
}
type Steps = ReturnType<typeof makeSteps>

/** Each write has a step before and one after it. */
const withSteps = (store: Store, at: Steps['at'], attempting: AsyncLocalStorage<string>): Store => {
  const around = (name: (typeof writes)[number]) => {
    const plain = store[name] as (...args: unknown[]) => Promise<unknown>
    const stepped = async (...args: unknown[]) => {
      const { id } = args[0] as { id: string }
      await at(`store.${name}`, id)
      const answer = await plain(...args)
      await at(`store.${name}.done`, id)
      return answer
    }
    return [name, stepped]
  }
  const claim: Store['claim'] = id => {
    attempting.enterWith(id)
    return store.claim(id)
  }
  return { ...store, ...(Object.fromEntries(writes.map(around)) as Partial<Store>), claim }
}

/** The provider of a worker process, with the stand-in's own times. */
export const driverOf = (
  told: Pick<LifeWorker, 'kind' | 'caps' | 'paused' | 'root'>,
  at: (point: string) => Promise<void>,
): Driver => {
  const { caps } = told
  switch (told.kind) {
    case 'ec2':
      return ec2Driver({ caps })
    case 'digitalocean':
      return doDriver({ caps })
    case 'kvm':
      return kvmDriver({ now: Date.now, paused: told.paused, caps, at })
    case 'physical':
      throw new Error('machines of provider physical have no life to kill a worker in: they are not made')
    case 'local':
      return localDriver({ root: told.root, agentCommand: standIn, now: Date.now, stopGraceMs: 500, at })
  }
}

/** Nothing but its own steps moves the worker: no reaper, so what it leaves behind stays to be found. */
const quick = { ...timings, tickMs: 500, observeMs: 1_000, observeRemoteMs: 3_600_000, reapMs: 3_600_000 }

const run = async (told: LifeWorker, steps: Steps): Promise<void> => {
  const { databaseUrl: url, naive, region, settings, secret } = told
  const log = makeLog({ service: 'life-worker', level: 'silent' })
  const pool = makePool({ url, log, max: 10 })
  const attempting = new AsyncLocalStorage<string>()
  const mine = (name: string) => steps.at(name, attempting.getStore())
  const driver = driverOf(told, mine)
  const limiter: Limiter = {
    take: async (family, callClass) => (ownCalls.includes(callClass) ? mine(`call.${family}.${callClass}`) : undefined),
    told: () => {},
  }
  const plain = driver.open({ account: { name: 'test', settings, secret }, region, limiter })
  // It changes nothing, is one look for many, and who is held there would hold them all: no step of anybody.
  const { lookAhead: ahead } = plain
  const lookAhead =
    ahead === undefined
      ? {}
      : { lookAhead: (...args: Parameters<typeof ahead>) => attempting.exit(() => ahead.call(plain, ...args)) }
  const provider: Provider = { ...(naive ? naiveProvider(plain) : plain), ...lookAhead }
  const token = async () => 'test-token'
  await startWorker({
    pool,
    transaction: fn => transaction(pool, fn),
    queue: await startQueue({ url, log, lanes }),
    drivers: new Map([[told.kind, { ...driver, open: () => provider }]]),
    open: async () => provider,
    mote: { mote: makeMoteHttp({ url: told.moteUrl, token, timeoutMs: 5_000 }), token },
    cipher: testCipher(Buffer.from(told.key, 'base64')),
    installation: await installationId(pool),
    fenced: true,
    reaper: 'on',
    timings: { ...quick, restartDelayMs: 500 },
    log,
    random: () => 0,
    at: (name, system) => steps.at(name, system),
    store: store => withSteps(naive ? naiveStore(store) : store, steps.at, attempting),
  })
}

const main = (text: string): void => {
  const told = JSON.parse(text) as LifeWorker
  const tell = (happened: Happened) => void process.send?.(happened)
  const steps = makeSteps(tell)
  let begun = false
  process.on('message', (order: LifeOrder) => {
    steps.order(order)
    if (begun) return
    begun = true
    void run(told, steps)
  })
  // Whoever started it has gone.
  process.on('disconnect', () => process.exit(0))
  tell({ kind: 'loaded' })
}

const text = process.argv[2]
if (text !== undefined && process.send !== undefined && process.argv[1] === import.meta.filename) main(text)

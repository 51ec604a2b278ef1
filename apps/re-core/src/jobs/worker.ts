import type { ProviderKind } from '@re-ops/protocols'
import { withRetry } from '@re-ops/service'
import type { Pool, PoolClient } from 'pg'
import type { Mote } from '../mote.ts'
import type { Driver } from '../providers/driver.ts'
import type { Open } from '../providers/opener.ts'
import type { SystemRow } from '../store/row.ts'
import { makeStore } from '../store/store.ts'
import { forgetNotices } from '../store/notices.ts'
import { overdueVolumes } from '../store/wanted-volumes.ts'
import { forgetGone, overdueSystems } from '../store/systems.ts'
import type { Cipher, Deps, Message, Store } from './attempt.ts'
import { attemptVolume } from './free-volume.ts'
import { freezeNew, type NewMaking } from './freeze.ts'
import { followHints } from './hints.ts'
import { endLeases, warnOfEnds } from './leases.ts'
import { asleep, contradictions } from './observe.ts'
import { inPlaces, type Reach } from './places.ts'
import type { Queue } from './queue.ts'
import { reap } from './reap.ts'
import { goOn, reconcile } from './reconcile.ts'
import { sweepSnapshots } from './sweep-snapshots.ts'
import { every, forEachBounded } from './tick.ts'

export type Timings = {
  readonly tickMs: number
  readonly observeMs: number
  /** Of places whose listing goes over an API with limits. */
  readonly observeRemoteMs: number
  readonly reapMs: number
  readonly leasesMs: number
  readonly sightingsApartMs: number
  readonly restartDelayMs: number
  readonly bootTimeoutMs: number
  /** How long an account that is refused is left alone. */
  readonly parkedMs: number
}
export const timings: Timings = {
  tickMs: 10_000,
  observeMs: 2_000,
  observeRemoteMs: 15_000,
  reapMs: 60_000,
  leasesMs: 5_000,
  sightingsApartMs: 600_000,
  restartDelayMs: 5_000,
  bootTimeoutMs: 120_000,
  parkedMs: 60_000,
}

export type WorkerDeps = {
  readonly pool: Pool
  readonly transaction: <T>(fn: (tx: PoolClient) => Promise<T>) => Promise<T>
  readonly queue: Queue
  readonly drivers: ReadonlyMap<ProviderKind, Driver>
  readonly open: Open
  readonly mote: { readonly mote: Mote; readonly token: () => Promise<string> } | null
  readonly cipher: Cipher
  readonly installation: string
  readonly fenced: boolean
  readonly reaper: 'on' | 'dry-run'
  readonly timings: Timings
  readonly log: Deps['log']
  readonly now?: () => number
  readonly random?: () => number
  readonly onCreateCall?: (sinceRequestMs: number) => void
  /** For tests: called between steps, and around the store. */
  readonly at?: (point: string, system: string) => void | Promise<void>
  readonly store?: (store: Store) => Store
}

const overdueMax = 500
const atOnceMax = 16
const perRoundMax = 5
const attemptMs = 20_000
/** Postgres may be away just when re-mote comes back. */
const hintsWithinMs = 30_000

/** The part of re-core that makes what is seen agree with what is wanted. Any number of them may run. */
export const startWorker = async (deps: WorkerDeps) => {
  const { pool, queue, log, timings: t } = deps
  const [now, random] = [deps.now ?? Date.now, deps.random ?? Math.random]
  const stopping = new AbortController()
  const { signal } = stopping
  const places = { sql: pool, drivers: deps.drivers, open: deps.open, parkedMs: t.parkedMs, log }
  const plain = makeStore({ pool, transaction: deps.transaction, queue, fenced: deps.fenced })
  const volumes = {
    pool,
    transaction: deps.transaction,
    queue,
    open: deps.open,
    now,
    ...(deps.at === undefined ? {} : { at: deps.at }),
  }
  const attempts: Deps = {
    store: deps.store?.(plain) ?? plain,
    open: deps.open,
    mote: deps.mote?.mote ?? null,
    cipher: deps.cipher,
    installation: deps.installation,
    now,
    random,
    rules: { restartDelayMs: t.restartDelayMs, bootTimeoutMs: t.bootTimeoutMs, installation: deps.installation },
    parkedMs: t.parkedMs,
    log,
    volume: (id, bound, message) => attemptVolume(volumes, id, bound, message),
    ...(deps.onCreateCall === undefined ? {} : { onCreateCall: deps.onCreateCall }),
    ...(deps.at === undefined ? {} : { at: deps.at }),
  }
  const attempt = (id: string, message: Message | null, bound: AbortSignal) => reconcile(attempts, id, bound, message)
  const wake = (id: string) => queue.wake(pool, id)
  const begun = new Set<Promise<void>>()
  const begin = (claimed: SystemRow, message: Message): void => {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(attemptMs)])
    const one = goOn(attempts, claimed, bound, message, null)
      .catch((error: Error) => onError(error, claimed.id))
      .finally(() => begun.delete(one))
    begun.add(one)
  }
  const onError = (error: Error, id: string) => {
    if (!signal.aborted) log.warn({ system: id, error: error.message }, 'an attempt broke off')
  }

  /** After a start (of re-core, or of the computer) machines that should run are started at once, not after a while. */
  const sweep = async (): Promise<void> => {
    await queue.takeOver()
    await forEachBounded(await overdueSystems(pool, now(), overdueMax), atOnceMax, wake, onError)
    const rules = { ...attempts.rules, restartDelayMs: 0 }
    await inPlaces(places, 'here', async one =>
      forEachBounded(
        await asleep(pool, one, signal),
        atOnceMax,
        id => {
          const bound = AbortSignal.any([signal, AbortSignal.timeout(attemptMs)])
          return reconcile({ ...attempts, rules }, id, bound, null)
        },
        onError,
      ),
    )
  }
  const observeIn = (reach: Reach) => () =>
    inPlaces(places, reach, async one =>
      forEachBounded(await contradictions(pool, one, signal, now()), atOnceMax, wake, onError),
    )
  const tick = async (): Promise<void> => {
    await forEachBounded(await overdueSystems(pool, now() - 1_000, overdueMax), atOnceMax, wake, onError)
    await forEachBounded(await overdueVolumes(pool, now() - 1_000, overdueMax), atOnceMax, wake, onError)
    await forgetGone(pool, now())
    await sweepSnapshots({ sql: pool, open: deps.open, log }, signal)
    await forgetNotices(pool)
  }
  const reapAll = async (): Promise<void> => {
    const { installation } = deps
    const dryRun = deps.reaper === 'dry-run'
    const reaper = { sql: pool, installation, sightingsApartMs: t.sightingsApartMs, perRoundMax, dryRun, log }
    for (const reach of ['here', 'remote'] as const) await inPlaces(places, reach, one => reap(reaper, one, signal))
  }
  const leases = async (): Promise<void> => {
    const { installation, transaction } = deps
    const ending = { sql: pool, installation, transaction, queue, now, log }
    await warnOfEnds(ending)
    for (const reach of ['here', 'remote'] as const)
      await inPlaces(places, reach, one => endLeases(ending, one, signal))
  }
  const hint = async (id: string): Promise<void> => {
    const { rows } = await pool.query<{ id: string }>(
      `select id from core.system where id = $1 and (phase in ('booting', 'enrolled', 'failed') or op is not null)`,
      [id],
    )
    if (rows.length > 0) await wake(id)
  }

  /** Whoever waits for re-mote need not wait out a pause once it is back. */
  const hintAll = async (): Promise<void> => {
    const { rows } = await pool.query<{ id: string }>(
      `select id from core.system where phase in ('planned', 'booting', 'enrolled', 'destroying', 'forgetting') and next_at > $1 limit 500`,
      [new Date(now())],
    )
    await forEachBounded(
      rows.map(row => row.id),
      atOnceMax,
      wake,
      onError,
    )
  }

  await queue.work(attempt)
  const swept = sweep().catch((error: unknown) => onError(error as Error, 'all'))
  const rounds = [
    swept,
    every({ log, random }, { name: 'observe', everyMs: t.observeMs }, observeIn('here'), signal),
    every({ log, random }, { name: 'observe-remote', everyMs: t.observeRemoteMs }, observeIn('remote'), signal),
    every({ log, random }, { name: 'tick', everyMs: t.tickMs }, tick, signal),
    every({ log, random }, { name: 'leases', everyMs: t.leasesMs }, leases, signal),
    every({ log, random }, { name: 'reap', everyMs: t.reapMs }, reapAll, signal),
    deps.mote === null
      ? Promise.resolve()
      : followHints(
          {
            url: deps.mote.mote.url,
            token: deps.mote.token,
            random,
            onOpen: () =>
              void withRetry(hintAll, { forMs: hintsWithinMs, signal }).catch((error: unknown) =>
                onError(error as Error, 'all'),
              ),
            onSystem: id => void hint(id).catch((error: unknown) => onError(error as Error, id)),
          },
          signal,
        ),
  ]
  return {
    /** Resolves when what was found at the start is under way: from then on a machine that dies is started after a while. */
    swept,
    /** Goes on with a new system that is claimed, whose message is held back meanwhile. */
    begin,
    /** What is frozen with the row of such a one; null: nothing, its attempt does it. */
    freezeNew: (making: NewMaking) => freezeNew(attempts, making),
    attempt: (id: string) => attempt(id, null, AbortSignal.any([signal, AbortSignal.timeout(attemptMs)])),
    tick,
    observe: observeIn('here'),
    observeRemote: observeIn('remote'),
    reap: reapAll,
    leases,
    stop: async (): Promise<void> => {
      stopping.abort()
      await queue.halt()
      await Promise.all([...rounds, ...begun])
    },
  }
}
export type Worker = Awaited<ReturnType<typeof startWorker>>

import { ProviderError, type Provider } from '@re-ops/protocols'
import type { Pool, PoolClient } from 'pg'
import type { Open } from '../providers/opener.ts'
import { claimVolume, forgetVolume, writeVolume, type VolumeChanges, type VolumeRow } from '../store/wanted-volumes.ts'
import type { Deps, Message } from './attempt.ts'
import { decideVolume, type VolumeSeen, type VolumeStep } from './decide-free-volume.ts'
import { isHopeless } from './effects-change.ts'
import { volumesOf } from './effects-volume.ts'
import type { Queue } from './queue.ts'

export type VolumeDeps = Pick<Deps, 'at' | 'now'> & {
  readonly pool: Pool
  readonly transaction: <T>(fn: (tx: PoolClient) => Promise<T>) => Promise<T>
  readonly queue: Pick<Queue, 'later'> & Partial<Pick<Queue, 'settle'>>
  readonly open: Open
}
/** `superseded`: somebody else looks after it now, or nothing is wanted of it. */
export type VolumeEnd =
  | { readonly kind: 'settled'; readonly row: VolumeRow }
  | { readonly kind: 'waits'; readonly row: VolumeRow }
  | { readonly kind: 'refused'; readonly row: VolumeRow; readonly error: ProviderError }
  | { readonly kind: 'gone' }
  | { readonly kind: 'superseded' }

const stepsMax = 12
/** Before the ticker thinks that whoever took it is dead. */
export const attemptMs = 30_000
const pauseMs = 2_000
const pauseMsMax = 30_000
const triesMax = 8
const refusedFor: ReadonlySet<string> = new Set(['auth', 'denied'])

type Attempt = {
  readonly row: VolumeRow
  readonly seen: VolumeSeen
  readonly provider: Provider
  readonly signal: AbortSignal
}

const look = async ({ row, provider, signal }: Attempt, at: 'volume' | 'progress'): Promise<VolumeSeen> => {
  if (at === 'progress') return { progress: await provider.pollOp(row.opRef ?? '', signal) }
  const volumes = volumesOf(provider)
  if (row.ref !== null) return { volume: await volumes.observe(row.ref, signal) }
  return { volume: (await volumes.list(signal)).find(one => one.name === row.name) ?? null }
}

/** `sent_at` is committed first. A refusal that certainly made nothing takes it back. */
const make = async (deps: VolumeDeps, { row, provider, signal }: Attempt): Promise<VolumeRow | null> => {
  const { name, wantGb, wantZone } = row
  const sent = await writeVolume(deps.pool, row, { sentAt: deps.now() })
  if (sent === null) return null
  await deps.at?.('volume.sent', row.id)
  const zone = wantZone === null ? {} : { zone: wantZone }
  const asked = { name, sizeGb: wantGb ?? 1, ...zone, token: `rcv1-${row.id}` }
  try {
    const made = await volumesOf(provider).ensure(asked, signal)
    await deps.at?.('volume.answered', row.id)
    return await writeVolume(deps.pool, sent, { ref: made.ref, zone: made.zone, attempt: 0 })
  } catch (error) {
    if (row.sentAt === null && error instanceof ProviderError && error.outcome === 'not-applied')
      await writeVolume(deps.pool, sent, { sentAt: null })
    throw error
  }
}

type Mutation = Extract<VolumeStep, { kind: 'make' | 'resize' | 'adopt' | 'op-over' }>
/** Goes one step on; null = a newer attempt, or a newer wish, has taken over. */
const perform = async (deps: VolumeDeps, attempt: Attempt, step: Mutation): Promise<VolumeRow | null> => {
  const { row, provider, signal } = attempt
  if (step.kind === 'make') return make(deps, attempt)
  if (step.kind === 'adopt') return writeVolume(deps.pool, row, { ref: step.volume.ref, zone: step.volume.zone })
  if (step.kind === 'op-over') {
    const over = await writeVolume(deps.pool, row, { opRef: null })
    if (over !== null && step.failed !== null) throw step.failed
    return over
  }
  await deps.at?.('volume.resize.before', row.id)
  const { opRef = null } = await volumesOf(provider).resize(row.ref ?? '', step.sizeGb, signal)
  await deps.at?.('volume.resize.after', row.id)
  return writeVolume(deps.pool, row, { opRef })
}

type Outcome =
  | { readonly kind: 'settled'; readonly changes: VolumeChanges }
  | { readonly kind: 'waits'; readonly changes: VolumeChanges }
  | { readonly kind: 'refused'; readonly changes: VolumeChanges; readonly error: ProviderError }
  | { readonly kind: 'gone' }
  | { readonly kind: 'superseded' }

const waits = (
  now: number,
  afterMs: number,
  { why, attempt }: { readonly why: string; readonly attempt: number },
): Outcome => ({
  kind: 'waits',
  changes: { problem: why, nextAt: now + afterMs, attempt },
})

/** What asking again does not mend; the row says why, and a person may ask again. */
const isOver = (error: ProviderError, { attempt }: VolumeRow): boolean =>
  error.outcome === 'not-applied' && (refusedFor.has(error.kind) || attempt >= triesMax || isHopeless(error))

const ofError = (error: ProviderError, row: VolumeRow, now: number): Outcome => {
  const { message: why, retryAfterMs } = error
  if (isOver(error, row))
    return { kind: 'refused', changes: { problem: why, nextAt: null, leaving: false, opRef: null }, error }
  const afterMs = retryAfterMs ?? Math.min(pauseMsMax, pauseMs * 2 ** row.attempt)
  return waits(now, afterMs, { why, attempt: row.attempt + 1 })
}

/** Looks, decides and acts until it waits, is refused, is gone or is as it is wanted. */
const walk = async (deps: VolumeDeps, first: Attempt): Promise<Outcome> => {
  let { row, seen } = first
  for (let n = 0; n < stepsMax; n += 1) {
    const step = decideVolume(row, seen, { now: deps.now(), caps: first.provider.caps })
    await deps.at?.(`volume.${step.kind}`, row.id)
    const attempt = { ...first, row, seen }
    if (step.kind === 'settled') return { kind: 'settled', changes: { problem: null, nextAt: null, attempt: 0 } }
    if (step.kind === 'refused')
      return ofError(new ProviderError(step.what, 'not-applied', step.why), { ...row, attempt: triesMax }, deps.now())
    if (step.kind === 'forget') return { kind: 'gone' }
    if (step.kind === 'wait')
      return waits(deps.now(), step.at === null ? pauseMs : step.at - deps.now(), {
        why: step.reason,
        attempt: row.attempt,
      })
    if (step.kind === 'delete') {
      await volumesOf(first.provider).delete(row.ref ?? '', first.signal)
      await deps.at?.('volume.deleted', row.id)
      return { kind: 'gone' }
    }
    if (step.kind === 'look') seen = { ...seen, ...(await look(attempt, step.at)) }
    else {
      const next = await perform(deps, attempt, step)
      if (next === null) return { kind: 'superseded' }
      row = next
      seen = {}
    }
  }
  return waits(deps.now(), pauseMs, { why: 'it takes more steps than one attempt has', attempt: row.attempt + 1 })
}

/** The last write, the end of the message and the next one: one transaction. */
const finish = (
  deps: VolumeDeps,
  row: VolumeRow | null,
  outcome: Outcome,
  message: Message | null,
): Promise<VolumeEnd> =>
  deps.transaction(async tx => {
    if (message !== null) await deps.queue.settle?.(tx, message)
    if (row === null || outcome.kind === 'superseded') return { kind: 'superseded' }
    if (outcome.kind === 'gone') return { kind: (await forgetVolume(tx, row)) ? 'gone' : 'superseded' }
    const written = await writeVolume(tx, row, outcome.changes)
    if (written === null) return { kind: 'superseded' }
    if (written.nextAt !== null) await deps.queue.later(tx, row.id, Math.max(0, written.nextAt - deps.now()))
    return outcome.kind === 'refused'
      ? { kind: 'refused', row: written, error: outcome.error }
      : { kind: outcome.kind, row: written }
  })

/**
 * One attempt on one volume: take the epoch, then go on from what is written down. It may end anywhere; whoever comes
 * next does the same.
 */
export const attemptVolume = async (
  deps: VolumeDeps,
  id: string,
  signal: AbortSignal,
  message: Message | null,
): Promise<VolumeEnd> => {
  const row = await claimVolume(deps.pool, id, deps.now() + attemptMs)
  if (row === null) return finish(deps, null, { kind: 'superseded' }, message)
  try {
    const outcome = await walk(deps, { row, seen: {}, provider: await deps.open(row), signal })
    return await finish(deps, row, outcome, message)
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    return finish(deps, row, ofError(error, row, deps.now()), message)
  }
}

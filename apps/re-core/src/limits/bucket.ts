import { callClasses, type CallClass, type LimitSpec } from '@re-ops/protocols'
import type { Sql } from '../store/sql.ts'

/** Which bucket: calls of one family that count together at the provider. */
export type BucketKey = { readonly account: string; readonly region: string; readonly family: string }
export type Wish = {
  readonly waiter: string
  readonly callClass: CallClass
  /** How long the first of them has waited. */
  readonly ageMs: number
  /** As many as are there of so many. */
  readonly count: number
  /** For tests; otherwise the database's clock. */
  readonly at?: Date
}
export type Verdict = { readonly granted: number; readonly waitMs: number; readonly left: number }

/** Of the burst, kept for `destroy`: what costs money can be ended when all else has used up the limit. */
export const keptForDestroy = 0.2
/** A call of a lower class goes first when it has waited so much longer, so that none waits for ever. */
export const classStepMs = 10_000
/** A waiter that was not heard for so long has given up, or died. */
const heardWithinMs = 5_000
const shareMin = 1 / 16
/** Per second: half of the share is back after 50 s. */
const shareGrowth = 0.01
const refusedPauseMs = 1_000

const keyOf = ({ account, region, family }: BucketKey): string[] => [account, region, family]

/** A bucket that is not there yet begins full; the numbers of a newer release hold from now on. */
export const ensureBucket = async (sql: Sql, key: BucketKey, { perSecond, burst }: LimitSpec): Promise<void> => {
  await sql.query(
    `insert into core.bucket (account, region, family, per_second, burst, tokens, counted_at)
     values ($1, $2, $3, $4, $5, $5, 'epoch')
     on conflict (account, region, family) do update set per_second = excluded.per_second, burst = excluded.burst
       where (bucket.per_second, bucket.burst) is distinct from (excluded.per_second, excluded.burst)`,
    [...keyOf(key), perSecond, burst],
  )
}

/**
 * The bucket as it is now: `$4` is the time, or null for the database's. Nobody waits for the disk: what a crash of
 * Postgres forgets is less than the time it takes to come back gives again.
 */
const current = `
  clock as materialized (
    select coalesce($4::timestamptz, clock_timestamp()) as asked_at, set_config('synchronous_commit', 'off', true)
  ),
  locked as materialized (
    select * from core.bucket where account = $1 and region = $2 and family = $3 for update
  ),
  aged as materialized (
    select per_second, burst, tokens, blocked_until, greatest(asked_at, counted_at) as at,
      least(1, share + ${shareGrowth} * extract(epoch from greatest(asked_at, counted_at) - counted_at)) as share,
      extract(epoch from greatest(asked_at, counted_at) - counted_at) as elapsed
    from locked, clock
  ),
  filled as materialized (
    select *, per_second * share as rate, least(burst * share, tokens + elapsed * per_second * share) as level
    from aged
  )`

/**
 * Takes up to `count` calls in one statement. Nobody takes while the provider wants to be left alone, or while somebody
 * else is due first; all but `destroy` leave a fifth of the burst. Null: there is no such bucket.
 */
export const takeFromBucket = async (sql: Sql, key: BucketKey, wish: Wish): Promise<Verdict | null> => {
  const rank = callClasses.indexOf(wish.callClass)
  const { rows } = await sql.query<{ granted: number; wait_ms: number; left: number }>(
    `with ${current},
     place as materialized (
       select *, at - $6::double precision * interval '1 ms' as due,
         case when $7::int = 0 then 0 else burst * share * ${keptForDestroy} end as kept
       from filled
     ),
     ahead as materialized (
       select exists (
         select from core.bucket_waiter w, place
         where w.account = $1 and w.region = $2 and w.family = $3 and w.waiter <> $5::uuid and w.due < place.due
           and w.heard_at > place.at - interval '${heardWithinMs} ms'
       ) as waits
     ),
     verdict as materialized (
       select *, case when waits or coalesce(blocked_until > at, false) then 0
         else least($8::int, greatest(0, floor(level - kept)))::int end as granted
       from place, ahead
     ),
     counted as (
       update core.bucket b set tokens = level - granted, share = verdict.share, counted_at = at
       from verdict where b.account = $1 and b.region = $2 and b.family = $3
     ),
     waiting as (
       insert into core.bucket_waiter (account, region, family, waiter, due, heard_at)
       select $1, $2, $3, $5::uuid, due, at from verdict where granted = 0
       on conflict (account, region, family, waiter) do update set due = excluded.due, heard_at = excluded.heard_at
     ),
     gone as (
       delete from core.bucket_waiter w using verdict
       where granted > 0 and w.account = $1 and w.region = $2 and w.family = $3
         and (w.waiter = $5::uuid or w.heard_at < at - interval '1 hour')
     )
     select granted, level - granted as left, greatest(
       1000 * extract(epoch from coalesce(blocked_until, at) - at),
       1000 * (kept + 1 - level) / rate, case when waits then 100 else 20 end)::double precision as wait_ms
     from verdict`,
    [...keyOf(key), wish.at ?? null, wish.waiter, wish.ageMs - rank * classStepMs, rank, wish.count],
  )
  const row = rows[0]
  return row === undefined ? null : { granted: row.granted, waitMs: row.granted > 0 ? 0 : row.wait_ms, left: row.left }
}

/** Somebody does not wait any more. */
export const leaveBucket = async (sql: Sql, key: BucketKey, waiter: string): Promise<void> => {
  await sql.query(
    'delete from core.bucket_waiter where account = $1 and region = $2 and family = $3 and waiter = $4::uuid',
    [...keyOf(key), waiter],
  )
}

/** The provider refused a call: nobody calls for a while, and then half as often. Refusals of one moment count once. */
export const blockBucket = async (
  sql: Sql,
  key: BucketKey,
  { retryAfterMs, at }: { readonly retryAfterMs?: number; readonly at?: Date },
): Promise<void> => {
  await sql.query(
    `with ${current}
     update core.bucket b set tokens = 0, counted_at = at,
       share = case when filled.blocked_until > at then filled.share
         else greatest(${shareMin}, filled.share / 2) end,
       blocked_until = greatest(filled.blocked_until, at + $5::double precision * interval '1 ms')
     from filled where b.account = $1 and b.region = $2 and b.family = $3`,
    [...keyOf(key), at ?? null, Math.max(refusedPauseMs, retryAfterMs ?? 0)],
  )
}

/** The provider counts fewer than we do: somebody else uses the account too. */
export const lowerBucket = async (
  sql: Sql,
  key: BucketKey,
  { remaining, at }: { readonly remaining: number; readonly at?: Date },
): Promise<void> => {
  await sql.query(
    `with ${current}
     update core.bucket b set tokens = least(level, $5::double precision), share = filled.share, counted_at = at
     from filled where b.account = $1 and b.region = $2 and b.family = $3`,
    [...keyOf(key), at ?? null, remaining],
  )
}

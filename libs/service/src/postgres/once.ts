import pg from 'pg'
import { contentHash } from '../canonical.ts'
import { HttpProblem } from '../problem.ts'
import type { Migration } from './migrate.ts'
import type { Queryable } from './pool.ts'

/** One creating request: who asked what of which route under which key. Without a key nothing is remembered. */
export type OnceRequest = {
  readonly schema: string
  readonly key: string | undefined
  readonly subject: string
  readonly route: string
  readonly body: unknown
}

/** The table of `once`. Keys are kept 48 h. */
export const idempotencyMigration = (schema: string): Migration => ({
  name: 'idempotency',
  sql: `create table ${pg.escapeIdentifier(schema)}.idempotency (
    subject text not null, route text not null, key text not null,
    body_hash text not null, answer json, at timestamptz not null default now(),
    primary key (subject, route, key));
  create index idempotency_at on ${pg.escapeIdentifier(schema)}.idempotency (at);`,
})

/** Forgets keys older than 48 h, at most `limit` of them; safe to run anywhere at any time. */
export const forgetOldKeys = async (db: Queryable, schema: string, limit = 1000): Promise<number> => {
  const table = `${pg.escapeIdentifier(schema)}.idempotency`
  const { rowCount } = await db.query(
    `delete from ${table} where ctid = any(array(
       select ctid from ${table} where at < now() - interval '48 hours' order by at limit $1 for update skip locked))`,
    [limit],
  )
  return rowCount ?? 0
}

const stored = async <T>(tx: Queryable, table: string, request: OnceRequest, hash: string): Promise<T> => {
  const { rows } = await tx.query<{ body_hash: string; answer: T }>(
    `select body_hash, answer from ${table} where subject = $1 and route = $2 and key = $3`,
    [request.subject, request.route, request.key],
  )
  const row = rows[0]
  if (row && row.body_hash === hash) return row.answer
  throw new HttpProblem(
    409,
    'idempotency-conflict',
    'Idempotency-Key was used before',
    `Idempotency-Key ${request.key} was used for another body; use a new key for a new request`,
  )
}

/**
 * Does `make` at most once per key, inside the caller's transaction: the key, what was made and its answer are committed together. A
 * request with the same key and body gets the stored answer (one that runs at the same time waits for it), with another body
 * HttpProblem 409. The answer must be plain JSON.
 */
export const once = async <T>(tx: Queryable, request: OnceRequest, make: () => Promise<T>): Promise<T> => {
  if (request.key === undefined) return make()
  const table = `${pg.escapeIdentifier(request.schema)}.idempotency`
  const hash = contentHash(request.body)
  const identity = [request.subject, request.route, request.key]
  const { rowCount } = await tx.query(
    `insert into ${table} (subject, route, key, body_hash) values ($1, $2, $3, $4) on conflict do nothing`,
    [...identity, hash],
  )
  if (!rowCount) return stored<T>(tx, table, request, hash)
  const answer = await make()
  await tx.query(`update ${table} set answer = $4 where subject = $1 and route = $2 and key = $3`, [
    ...identity,
    JSON.stringify(answer ?? null),
  ])
  // Each new key takes a few old ones away, so the table needs no timer and no request pays for a long cleaning.
  await forgetOldKeys(tx, request.schema, 10)
  return answer
}

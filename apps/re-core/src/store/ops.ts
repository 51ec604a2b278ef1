import { dateOf, opOf } from './columns.ts'
import type { OpRow, SystemRow } from './row.ts'
import type { Sql } from './sql.ts'

type Raw = Record<string, unknown>
export type OpChanges = Partial<Pick<OpRow, 'sentAt' | 'acceptedAt' | 'opRef' | 'before'>>
export type OpEnd = {
  readonly state: 'done' | 'failed' | 'uncertain' | 'cancelled'
  /** Why, unless it is done. */
  readonly error: string | null
}

const first = (rows: readonly Raw[]): OpRow | null => (rows[0] === undefined ? null : opOf(rows[0]))

export const insertOp = async (sql: Sql, op: OpRow): Promise<void> => {
  await sql.query(
    `insert into core.op (id, system, kind, generation, force, snapshot, volume, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [op.id, op.system, op.kind, op.generation, op.force, op.snapshot, op.volume, new Date(op.createdAt)],
  )
}

export const opById = async (sql: Sql, id: string): Promise<OpRow | null> =>
  first((await sql.query<Raw>('select * from core.op where id = $1', [id])).rows)

/** Null: a newer attempt has taken over; nothing was written, and nothing may be sent. */
export const writeOp = async (sql: Sql, row: SystemRow, op: OpRow, changes: OpChanges): Promise<OpRow | null> => {
  const next = { ...op, ...changes }
  const { rows } = await sql.query<Raw>(
    `update core.op set sent_at = $3, accepted_at = $4, op_ref = $5, before = $6
     where id = $1 and finished_at is null
       and exists (select from core.system s where s.id = core.op.system and s.lease_epoch = $2) returning *`,
    [op.id, row.leaseEpoch, dateOf(next.sentAt), dateOf(next.acceptedAt), next.opRef, next.before],
  )
  return first(rows)
}

export const endOp = async (sql: Sql, id: string, { state, error }: OpEnd, at: number): Promise<void> => {
  await sql.query('update core.op set state = $2, error = $3, finished_at = $4 where id = $1 and finished_at is null', [
    id,
    state,
    error,
    new Date(at),
  ])
}

/** Its system has settled without it. */
export const closeOp = (sql: Sql, id: string, why: string | null, at: number): Promise<void> =>
  endOp(sql, id, { state: 'cancelled', error: why }, at)

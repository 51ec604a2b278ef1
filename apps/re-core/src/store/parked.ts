import type { ParkedFor } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

/** What an account refuses for the time being, until when it is left alone (ms since 1970). */
export type ParkedAccount = { readonly what: ParkedFor; readonly why: string; readonly until: number }

type Raw = { parked_for: ParkedFor; problem: string | null; parked_until: Date }

export const parkedAccount = async (sql: Sql, account: string): Promise<ParkedAccount | null> => {
  const { rows } = await sql.query<Raw>(
    'select parked_for, problem, parked_until from core.account where name = $1 and parked_for is not null',
    [account],
  )
  const [row] = rows
  return row === undefined ? null : { what: row.parked_for, why: row.problem ?? '', until: row.parked_until.getTime() }
}

const forTime = `clock_timestamp() + make_interval(secs => $2 / 1000.0)`

/**
 * Parks the account; what stops everything stands above what stops a part. Answers whether it was not parked before, and
 * needs to be told of.
 */
export const parkAccount = async (
  sql: Sql,
  account: string,
  what: ParkedFor,
  { why, forMs }: { readonly why: string; readonly forMs: number },
): Promise<boolean> => {
  const { rows } = await sql.query<{ fresh: boolean }>(
    `with before as (select name, parked_for from core.account where name = $1 for update)
     update core.account a set problem = $4, parked_until = ${forTime},
       parked_for = case when before.parked_for = 'all' then 'all' else $3 end,
       parked_since = coalesce(a.parked_since, clock_timestamp())
     from before where a.name = before.name returning before.parked_for is null as fresh`,
    [account, forMs, what, why],
  )
  return rows[0]?.fresh === true
}

/** Of all that come when its time is over one may try; for the others it is parked for as long again. */
export const mayTryAccount = async (sql: Sql, account: string, forMs: number): Promise<boolean> =>
  ((
    await sql.query(
      `update core.account set parked_until = ${forTime}
       where name = $1 and parked_for is not null and parked_until <= clock_timestamp()`,
      [account, forMs],
    )
  ).rowCount ?? 0) > 0

/** Works again: what waited is due at once. Answers whether it was parked for that. */
export const unparkAccount = async (sql: Sql, account: string, what: readonly ParkedFor[]): Promise<boolean> => {
  const { rowCount } = await sql.query(
    `update core.account set problem = null, parked_for = null, parked_until = null, parked_since = null
     where name = $1 and parked_for = any($2)`,
    [account, what],
  )
  if (rowCount === 0) return false
  await wakeAccount(sql, account)
  return true
}

/** All of the account that waits is due. */
export const wakeAccount = async (sql: Sql, account: string): Promise<void> => {
  await sql.query(
    `update core.system set next_at = clock_timestamp() where account = $1 and phase <> 'gone' and next_at is not null`,
    [account],
  )
}

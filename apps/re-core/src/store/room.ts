import type { Sql } from './sql.ts'

/** Systems that are asked for, in an account and by the subject of a token. */
export type Wanted = {
  readonly names: readonly string[]
  readonly account: string
  readonly region: string
  readonly subject: string
}
/** Null = no limit. */
export type Limits = { readonly account: number | null; readonly subject: number | null }
export type Room = {
  readonly limits: Limits
  /** Some of the names that systems have which are not gone. */
  readonly taken: readonly string[]
  /** The account refuses something for the time being. */
  readonly isParked: boolean
  /** See `scarceOfferings`. */
  readonly scarce: ReadonlyMap<string, number>
  /** The database's clock, ms since 1970. */
  readonly now: number
}

type Raw = {
  taken: string[]
  account_max: number | null
  subject_max: number | null
  is_parked: boolean
  scarce: Record<string, number>
  now: Date
}

/** Locks the limits that there are for the caller's transaction: those who ask at once wait for each other. */
export const lockRoom = async (sql: Sql, { names, account, region, subject }: Wanted): Promise<Room> => {
  const { rows } = await sql.query<Raw>(
    `with account as materialized (
       select max_systems from core.account where name = $2 and max_systems is not null for update
     ),
     quota as materialized (
       select max_systems from core.quota where subject in ($3, '*') order by subject = '*' limit 1 for update
     )
     select array(select name from core.system where name = any($1) and phase <> 'gone' order by name limit 5) as taken,
       (select max_systems from account) as account_max, (select max_systems from quota) as subject_max,
       exists (select from core.account where name = $2 and parked_for is not null) as is_parked,
       (select coalesce(json_object_agg(offering, (extract(epoch from until) * 1000)::float8), '{}') from core.scarce
        where account = $2 and region = $4 and until > clock_timestamp()) as scarce,
       clock_timestamp() as now`,
    [names, account, subject, region],
  )
  const { taken, account_max, subject_max, is_parked, scarce, now } = rows[0] as Raw
  return {
    taken,
    limits: { account: account_max, subject: subject_max },
    isParked: is_parked,
    scarce: new Map(Object.entries(scarce)),
    now: now.getTime(),
  }
}

/** How many systems that are not gone they have. */
export const systemsOf = async (
  sql: Sql,
  { account, subject }: Pick<Wanted, 'account' | 'subject'>,
): Promise<{ readonly account: number; readonly subject: number }> => {
  const { rows } = await sql.query<{ account: number; subject: number }>(
    `select count(*) filter (where account = $1)::int as account, count(*) filter (where created_by = $2)::int as subject
     from core.system where phase <> 'gone' and (account = $1 or created_by = $2)`,
    [account, subject],
  )
  return rows[0] ?? { account: 0, subject: 0 }
}

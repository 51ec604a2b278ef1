import type { SystemQuota } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

type Raw = { subject: string; max_systems: number | null; used: number }
const quotaOf = ({ subject, max_systems, used }: Raw): SystemQuota => ({ subject, maxSystems: max_systems, used })

/** All that are set, and all subjects that have systems. */
export const listQuotas = async (sql: Sql): Promise<SystemQuota[]> => {
  const { rows } = await sql.query<Raw>(
    `with used as (
       select created_by as subject, count(*)::int as used from core.system
       where phase <> 'gone' and created_by is not null group by created_by
     )
     select subject, coalesce(q.max_systems, (select max_systems from core.quota where subject = '*' )) as max_systems,
       coalesce(u.used, 0) as used
     from core.quota q full join used u using (subject) order by subject`,
  )
  return rows.map(quotaOf)
}

export const putQuota = async (sql: Sql, subject: string, maxSystems: number): Promise<void> => {
  await sql.query(
    'insert into core.quota (subject, max_systems) values ($1, $2) on conflict (subject) do update set max_systems = $2',
    [subject, maxSystems],
  )
}

export const deleteQuota = async (sql: Sql, subject: string): Promise<boolean> =>
  ((await sql.query('delete from core.quota where subject = $1', [subject])).rowCount ?? 0) > 0

/** The subject's limit and how many systems it has; null = no limit. Those who ask at once wait for each other until the transaction ends. */
export const quotaRoom = async (sql: Sql, subject: string): Promise<{ maxSystems: number; used: number } | null> => {
  const { rows } = await sql.query<{ max_systems: number }>(
    `select max_systems from core.quota where subject in ($1, '*') order by subject = '*' limit 1 for update`,
    [subject],
  )
  const maxSystems = rows[0]?.max_systems
  if (maxSystems === undefined) return null
  const counted = await sql.query<{ used: number }>(
    `select count(*)::int as used from core.system where created_by = $1 and phase <> 'gone'`,
    [subject],
  )
  return { maxSystems, used: counted.rows[0]?.used ?? 0 }
}

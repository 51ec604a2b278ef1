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

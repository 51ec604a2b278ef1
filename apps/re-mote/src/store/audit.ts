import type { AuditItem } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

export type AuditEntry = {
  readonly action: string
  /** Who did it: a token's subject, or `broker`, `service`. */
  readonly subject: string | null
  readonly host: string | null
  readonly detail: Readonly<Record<string, unknown>>
}

export const writeAudit = async (sql: Sql, entries: readonly AuditEntry[]): Promise<void> => {
  await sql.query(
    `insert into mote.audit (action, subject, host, detail)
     select * from unnest($1::text[], $2::text[], $3::uuid[], $4::json[])`,
    [
      entries.map(one => one.action),
      entries.map(one => one.subject),
      entries.map(one => one.host),
      entries.map(one => JSON.stringify(one.detail)),
    ],
  )
}

export type AuditFilter = {
  readonly limit: number
  readonly host?: string | undefined
  /** An action, or its beginning with a `.` at the end: `host.`. */
  readonly action?: string | undefined
}
/** Newest first. */
export const readAudit = async (sql: Sql, { limit, host, action }: AuditFilter): Promise<AuditItem[]> => {
  const { rows } = await sql.query<AuditEntry & { id: string; at: Date }>(
    `select id, at, action, subject, host, detail from mote.audit
     where ($2::uuid is null or host = $2) and ($3::text is null or action = $3 or ($3 like '%.' and starts_with(action, $3)))
     order by at desc, id desc limit $1`,
    [limit, host ?? null, action ?? null],
  )
  return rows.map(row => ({ ...row, at: row.at.toISOString() }))
}

/** How often the broker was aborted right after this host shook hands, lately. */
export const countAborts = async (sql: Sql, host: string): Promise<number> => {
  const { rows } = await sql.query<{ n: number }>(
    `select count(*)::int as n from mote.audit where host = $1 and action = 'broker.aborted' and at > now() - interval '1 hour'`,
    [host],
  )
  return rows[0]?.n ?? 0
}

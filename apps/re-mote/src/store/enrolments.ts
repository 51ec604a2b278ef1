import type { CreateEnrolment, Enrolment, EnrolmentInfo, Labels } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

export type EnrolmentRow = {
  id: string
  token_hash: string
  system: string | null
  generation: number | null
  candidate: number | null
  name: string | null
  labels: Labels
  uses: number
  uses_left: number
  expires_at: Date
  expired: boolean
  sources: string[]
  revoked_at: Date | null
  /** The SSH host that gets its agent by this token; null: a new host. */
  host: string | null
}
const columns =
  'id, token_hash, system, generation, candidate, name, labels, uses, uses_left, expires_at, expires_at <= now() as expired, sources, revoked_at, host'

export const enrolmentOf = (row: EnrolmentRow): Enrolment => ({
  id: row.id,
  system: row.system,
  generation: row.generation,
  candidate: row.candidate,
  name: row.name,
  labels: row.labels,
  usesLeft: row.uses_left,
  expiresAt: row.expires_at.toISOString(),
})

export const insertEnrolment = async (
  sql: Sql,
  {
    id,
    tokenHash,
    createdBy,
    body,
    host = null,
  }: { id: string; tokenHash: string; createdBy: string; body: CreateEnrolment; host?: string | null },
): Promise<EnrolmentRow | null> => {
  const { rows } = await sql.query<EnrolmentRow>(
    `insert into mote.enrolment (id, token_hash, system, generation, candidate, name, labels, uses, uses_left, expires_at, sources, created_by, host)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8, now() + make_interval(secs => $9::float8 / 1000), $10, $11, $12)
     on conflict do nothing returning ${columns}`,
    [
      id,
      tokenHash,
      body.system ?? null,
      body.system === undefined ? null : (body.generation ?? 1),
      body.system === undefined ? null : (body.candidate ?? 0),
      body.name ?? null,
      JSON.stringify(body.labels ?? {}),
      body.uses ?? 1,
      body.ttlMs ?? 3_600_000,
      body.sources ?? [],
      createdBy,
      host,
    ],
  )
  return rows[0] ?? null
}

export const findSystemEnrolment = async (sql: Sql, body: CreateEnrolment): Promise<EnrolmentRow | null> => {
  const { rows } = await sql.query<EnrolmentRow>(
    `select ${columns} from mote.enrolment where system = $1 and generation = $2 and candidate = $3`,
    [body.system, body.generation ?? 1, body.candidate ?? 0],
  )
  return rows[0] ?? null
}

type InfoRow = EnrolmentRow & { created_by: string; created_at: Date }
const infoOf = (row: InfoRow): EnrolmentInfo => ({
  id: row.id,
  system: row.system,
  generation: row.generation,
  candidate: row.candidate,
  name: row.name,
  labels: row.labels,
  uses: row.uses,
  usesLeft: row.uses_left,
  sources: row.sources,
  host: row.host,
  state: row.revoked_at !== null ? 'revoked' : row.uses_left <= 0 ? 'used' : row.expired ? 'expired' : 'open',
  createdBy: row.created_by,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at.toISOString(),
})

/** Newest first; `open` leaves out those that let nobody in any more. */
export const listEnrolments = async (
  sql: Sql,
  { open, limit }: { readonly open: boolean; readonly limit: number },
): Promise<EnrolmentInfo[]> => {
  const { rows } = await sql.query<InfoRow>(
    `select ${columns}, created_by, created_at from mote.enrolment
     where not $1 or (revoked_at is null and uses_left > 0 and expires_at > now())
     order by created_at desc, id desc limit $2`,
    [open, limit],
  )
  return rows.map(infoOf)
}

/** Its token lets nobody in any more; who came in by it stays. Null: there is no such enrolment. */
export const revokeEnrolment = async (sql: Sql, id: string): Promise<EnrolmentInfo | null> => {
  const { rows } = await sql.query<InfoRow>(
    `update mote.enrolment set revoked_at = coalesce(revoked_at, now()) where id = $1 returning ${columns}, created_by, created_at`,
    [id],
  )
  return rows[0] ? infoOf(rows[0]) : null
}

export const lockEnrolment = async (sql: Sql, tokenHash: string): Promise<EnrolmentRow | null> =>
  (await sql.query<EnrolmentRow>(`select ${columns} from mote.enrolment where token_hash = $1 for update`, [tokenHash]))
    .rows[0] ?? null

export const isSystemRevoked = async (sql: Sql, system: string, generation: number): Promise<boolean> =>
  ((await sql.query('select from mote.revoked_system where system = $1 and generation >= $2', [system, generation]))
    .rowCount ?? 0) > 0

type Keys = { curveKey: string; signKey: string }
/** The host that these keys got with this token, if they did. */
export const findUse = async (
  sql: Sql,
  enrolment: string,
  keys: Keys,
): Promise<{ host: string; name: string; state: string } | null> =>
  (
    await sql.query<{ host: string; name: string; state: string }>(
      `select u.host, h.name, case when exists (select from mote.retired_key r where r.curve_key = u.curve_key) then 'revoked' else h.state end as state
       from mote.enrolment_use u join mote.host h on h.id = u.host
       where u.enrolment = $1 and u.curve_key = $2 and u.sign_key = $3`,
      [enrolment, keys.curveKey, keys.signKey],
    )
  ).rows[0] ?? null

export type NewHost = Keys & {
  id: string
  name: string
  labels: Labels
  instance: string
  version: string
  enrolment: EnrolmentRow
}
/** Stores the host and counts the use; false when the keys belong to another host already, or did. */
export const insertHost = async (sql: Sql, host: NewHost): Promise<boolean> => {
  const { rowCount } = await sql.query(
    `insert into mote.host (id, name, labels, curve_key, sign_key, instance, version, system, generation)
     select $1::uuid, $2::text, $3::jsonb, $4::text, $5::text, $6::text, $7::text, $8::uuid, $9::int
     where not exists (select from mote.retired_key where curve_key = $4) on conflict do nothing`,
    [
      host.id,
      host.name,
      JSON.stringify(host.labels),
      host.curveKey,
      host.signKey,
      host.instance,
      host.version,
      host.enrolment.system,
      host.enrolment.generation,
    ],
  )
  if (rowCount !== 1) return false
  await countUse(sql, host)
  return true
}

type Use = Keys & { readonly id: string; readonly enrolment: EnrolmentRow }
const countUse = async (sql: Sql, host: Use): Promise<void> => {
  await sql.query('insert into mote.enrolment_use (enrolment, curve_key, sign_key, host) values ($1, $2, $3, $4)', [
    host.enrolment.id,
    host.curveKey,
    host.signKey,
    host.id,
  ])
  await sql.query('update mote.enrolment set uses_left = uses_left - 1 where id = $1', [host.enrolment.id])
}

/** The SSH host of the token gets these keys, and keeps all else; answers its name, or null when it cannot have them. */
export const adoptHost = async (
  sql: Sql,
  host: Use & { readonly instance: string; readonly version: string },
): Promise<string | null> => {
  const { rows } = await sql.query<{ name: string }>(
    `update mote.host set transport = 'zmq', curve_key = $2, sign_key = $3, instance = $4, version = $5, pid = null,
       journal_counter = 0, keys_at = now()
     where id = $1 and transport = 'ssh' and state = 'enrolled' and not exists (select from mote.retired_key where curve_key = $2)
       and not exists (select from mote.host where curve_key = $2) returning name`,
    [host.id, host.curveKey, host.signKey, host.instance, host.version],
  )
  if (!rows[0]) return null
  await countUse(sql, host)
  return rows[0].name
}

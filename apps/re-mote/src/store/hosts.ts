import type { Host, HostState, Labels, SshSettings, TransportName } from '@re-ops/protocols'
import type { AllowEntry } from '../broker/port.ts'
import { quarantineReasons } from './sessions.ts'
import type { Sql } from './sql.ts'

type HostRow = {
  id: string
  name: string
  labels: Labels
  facts: Record<string, unknown>
  facts_at: Date | null
  state: HostState
  state_reason: string | null
  transport: TransportName
  ssh: SshSettings | null
  ssh_error: string | null
  version: string | null
  pid: number | null
  boot: string | null
  addresses: string[] | null
  system: string | null
  generation: number | null
  enrolled_at: Date
  seen_at: Date | null
}
const columns =
  'h.id, h.name, h.labels, h.facts, h.facts_at, h.state, h.state_reason, h.transport, h.ssh, h.ssh_error, h.version, h.pid, h.addresses, h.system, h.generation, h.enrolled_at, h.seen_at, (select s.boot from mote.session s where s.host = h.id) as boot'

export type IsOnline = (host: string) => boolean
const hostOf = (row: HostRow, isOnline: IsOnline): Host => ({
  id: row.id,
  name: row.name,
  labels: row.labels,
  online: row.transport === 'ssh' ? row.ssh_error === null && row.state === 'enrolled' : isOnline(row.id),
  transport: row.transport,
  state: row.state,
  pid: row.pid,
  version: row.version,
  facts: row.facts,
  factsAt: row.facts_at?.toISOString() ?? null,
  system: row.system,
  generation: row.generation,
  enrolledAt: row.enrolled_at.toISOString(),
  seenAt: row.seen_at?.toISOString() ?? null,
  ...(row.boot === null ? {} : { boot: row.boot }),
  ...(row.addresses === null ? {} : { addresses: row.addresses }),
  ...(row.ssh ? { ssh: row.ssh } : {}),
  ...(row.ssh_error === null ? {} : { sshError: row.ssh_error }),
  ...(row.state === 'quarantined'
    ? { stateReason: quarantineReasons[row.state_reason ?? ''] ?? row.state_reason ?? '' }
    : {}),
})

export type HostFilter = { condition: string; parameters: unknown[] }

/** Hosts by name. Revoked ones only when they are asked for by system. */
export const listHosts = async (sql: Sql, isOnline: IsOnline, filter: HostFilter): Promise<Host[]> => {
  const { rows } = await sql.query<HostRow>(
    `select ${columns} from mote.host h where ${filter.condition} order by h.name, h.enrolled_at, h.id`,
    filter.parameters,
  )
  return rows.map(row => hostOf(row, isOnline))
}

export const findHosts = async (sql: Sql, isOnline: IsOnline, ids: readonly string[]): Promise<Host[]> =>
  listHosts(sql, isOnline, { condition: 'h.id = any($1::uuid[])', parameters: [ids] })

/** Sets the state where it is allowed to; returns the hosts that changed. A revoked host stays revoked. */
export const setHostState = async (
  sql: Sql,
  { ids, state, reason }: { ids: readonly string[]; state: HostState; reason: string | null },
): Promise<string[]> => {
  const { rows } = await sql.query<{ id: string }>(
    `update mote.host set state = $2, state_reason = $3 where id = any($1::uuid[]) and state not in ('revoked', $2) returning id`,
    [ids, state, reason],
  )
  return rows.map(row => row.id)
}

export type ChangeableHost = { id: string; name: string; labels: Labels; state: HostState; system: string | null }
/** The host as it stays until the transaction ends. */
export const lockHost = async (sql: Sql, id: string): Promise<ChangeableHost | null> =>
  (
    await sql.query<ChangeableHost>('select id, name, labels, state, system from mote.host where id = $1 for update', [
      id,
    ])
  ).rows[0] ?? null

export const changeHost = async (sql: Sql, host: { id: string; name: string; labels: Labels }): Promise<void> => {
  await sql.query('update mote.host set name = $2, labels = $3 where id = $1', [
    host.id,
    host.name,
    JSON.stringify(host.labels),
  ])
}

/** The id of another host that is called so and may be reached. */
export const findNamesake = async (sql: Sql, { id, name }: { id: string; name: string }): Promise<string | null> => {
  const { rows } = await sql.query<{ id: string }>(
    `select id from mote.host where name = $2 and id <> $1 and state <> 'revoked' limit 1`,
    [id, name],
  )
  return rows[0]?.id ?? null
}

/** Lifts a quarantine; whoever says hello next is the one that counts. */
export const confirmHost = async (sql: Sql, id: string): Promise<boolean> => {
  const { rows } = await sql.query(
    `with confirmed as (update mote.host set state = 'enrolled', state_reason = null, journal_counter = 0
                        where id = $1 and state = 'quarantined' returning id),
          forgotten as (delete from mote.boot where host in (select id from confirmed))
     select id from confirmed`,
    [id],
  )
  return rows.length > 0
}

/** Revokes the hosts of a system up to a generation, its open enrolments, and the right to enrol as it again. */
export const revokeSystem = async (
  sql: Sql,
  { system, generation }: { system: string; generation: number },
): Promise<string[]> => {
  const { rows } = await sql.query<{ id: string }>(
    `with noted as (insert into mote.revoked_system (system, generation) values ($1, $2)
                    on conflict (system) do update set generation = greatest(mote.revoked_system.generation, excluded.generation)),
          closed as (update mote.enrolment set revoked_at = now()
                     where system = $1 and coalesce(generation, 0) <= $2 and revoked_at is null)
     update mote.host set state = 'revoked', state_reason = 'system revoked'
     where system = $1 and coalesce(generation, 0) <= $2 and state <> 'revoked' returning id`,
    [system, generation],
  )
  return rows.map(row => row.id)
}

type AllowRow = { curve_key: string; id: string; sign_key: string; state: HostState; allow_version: string }
const allowOf = (row: AllowRow): AllowEntry => ({
  key: row.curve_key,
  agent: row.id,
  signKey: row.sign_key,
  state: row.state,
})

/** The allow-list from a version on. Versions commit out of order, so readers ask from somewhat before the last one they saw. */
export const readAllowList = async (sql: Sql, from: number): Promise<{ version: number; entries: AllowEntry[] }> => {
  const { rows } = await sql.query<AllowRow>(
    `select curve_key, id, sign_key, state, allow_version from mote.host where allow_version >= $1 and curve_key is not null
     union all select curve_key, id, sign_key, 'revoked', allow_version from mote.retired_key where allow_version >= $1`,
    [from],
  )
  return {
    version: rows.reduce((max, row) => Math.max(max, Number(row.allow_version)), from),
    entries: rows.map(allowOf),
  }
}

export const findAllowed = async (sql: Sql, keys: readonly string[]): Promise<AllowEntry[]> => {
  const { rows } = await sql.query<AllowRow>(
    `select curve_key, id, sign_key, state, allow_version from mote.host where curve_key = any($1::text[])
     union all select curve_key, id, sign_key, 'revoked', allow_version from mote.retired_key where curve_key = any($1::text[])`,
    [keys],
  )
  return rows.map(allowOf)
}

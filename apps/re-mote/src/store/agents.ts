import type { Agent, SshSettings, TransportName } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

/** Where an agent was put, as its host keeps it. */
export type AgentPlace = {
  readonly prefix: string
  readonly build: string
  readonly init: 'systemd' | 'plain'
  /** Whether it was put there as root. */
  readonly root: boolean
}
/** A host as a deployment needs it. */
export type DeployHost = {
  readonly id: string
  readonly name: string
  readonly state: string
  readonly transport: TransportName
  readonly ssh: SshSettings | null
  readonly agent: AgentPlace | null
  readonly version: string | null
}
const columns = 'h.id, h.name, h.state, h.transport, h.ssh, h.agent, h.version'

export const findDeployHosts = async (
  sql: Sql,
  { condition, parameters }: { readonly condition: string; readonly parameters: unknown[] },
): Promise<DeployHost[]> =>
  (
    await sql.query<DeployHost>(
      `select ${columns} from mote.host h where ${condition} and h.state <> 'revoked' order by h.name, h.id`,
      parameters,
    )
  ).rows

export const findDeployHost = async (sql: Sql, id: string): Promise<DeployHost | null> =>
  (await findDeployHosts(sql, { condition: 'h.id = $1', parameters: [id] }))[0] ?? null

export const setAgentPlace = async (sql: Sql, host: string, place: AgentPlace | null): Promise<void> => {
  await sql.query('update mote.host set agent = $2 where id = $1', [
    host,
    place === null ? null : JSON.stringify(place),
  ])
}

/**
 * Takes the agent's identity from a host that can also be reached over SSH, which it is from then on: its keys are refused for good. Answers
 * whether there was one to take.
 */
export const retireIdentity = async (sql: Sql, host: string, reason: string): Promise<boolean> => {
  const { rowCount } = await sql.query(
    `with held as (select id, curve_key, sign_key from mote.host
                   where id = $1 and transport = 'zmq' and ssh is not null and state <> 'revoked' for update),
          retired as (insert into mote.retired_key (curve_key, sign_key, host, reason) select curve_key, sign_key, id, $2 from held),
          forgotten as (delete from mote.boot where host in (select id from held))
     update mote.host h set transport = 'ssh', state = 'enrolled', state_reason = null, curve_key = null, sign_key = null, instance = null,
       version = null, pid = null, journal_counter = 0, keys_at = null, ssh_error = null
     from held where h.id = held.id`,
    [host, reason],
  )
  return (rowCount ?? 0) > 0
}

/** Tokens for this host's agent that nobody has used. */
export const revokeHostEnrolments = async (sql: Sql, host: string): Promise<void> => {
  await sql.query(
    'update mote.enrolment set revoked_at = now() where host = $1 and revoked_at is null and uses_left > 0',
    [host],
  )
}

type AgentRow = {
  id: string
  name: string
  state: string
  version: string | null
  agent: AgentPlace | null
  pid: number | null
  keys_at: Date
  session_at: Date | null
  session_end: string | null
}
/** Hosts with an agent, by name. */
export const listAgents = async (
  sql: Sql,
  isOnline: (host: string) => boolean,
  { condition, parameters }: { readonly condition: string; readonly parameters: unknown[] },
): Promise<Agent[]> => {
  const { rows } = await sql.query<AgentRow>(
    `select h.id, h.name, h.state, h.version, h.agent, h.pid, coalesce(h.keys_at, h.enrolled_at) as keys_at,
       coalesce(s.ended_at, s.seen_at) as session_at, s.end_reason as session_end
     from mote.host h left join mote.session s on s.host = h.id
     where h.transport = 'zmq' and h.state <> 'revoked' and ${condition} order by h.name, h.id`,
    parameters,
  )
  return rows.map(row => ({
    host: { id: row.id, name: row.name },
    online: isOnline(row.id),
    state: row.state,
    version: row.version,
    prefix: row.agent?.prefix ?? null,
    pid: row.pid,
    keysAt: row.keys_at.toISOString(),
    sessionAt: row.session_at?.toISOString() ?? null,
    sessionEnd: row.session_end,
  }))
}

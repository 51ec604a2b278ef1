import type { Labels, SshSettings } from '@re-ops/protocols'
import type { SshHost } from '../ssh/host.ts'
import type { Sql } from './sql.ts'

type Row = { id: string; name: string; ssh: SshSettings }
const hostOf = ({ id, name, ssh }: Row): SshHost => ({ id, name, settings: ssh })

/** Those of the hosts that have SSH settings and are not revoked. */
export const findSshHosts = async (sql: Sql, ids: readonly string[]): Promise<SshHost[]> => {
  const { rows } = await sql.query<Row>({
    name: 'find-ssh-hosts',
    text: `select id, name, ssh from mote.host where id = any($1::uuid[]) and ssh is not null and state <> 'revoked'`,
    values: [ids],
  })
  return rows.map(hostOf)
}

/** The host of this name that has SSH settings; one without an agent first, whose name is its own. */
export const findSshHostNamed = async (sql: Sql, name: string): Promise<SshHost | null> => {
  const { rows } = await sql.query<Row>(
    `select id, name, ssh from mote.host where name = $1 and ssh is not null and state <> 'revoked'
     order by transport = 'ssh' desc, enrolled_at desc limit 1`,
    [name],
  )
  return rows[0] ? hostOf(rows[0]) : null
}

export type NewSshHost = {
  readonly id: string
  readonly name: string
  readonly labels: Labels
  readonly ssh: SshSettings
}
/** Adds a host without an agent; the one of this name when there is one already. */
export const insertSshHost = async (
  sql: Sql,
  host: NewSshHost,
): Promise<{ id: string; isNew: boolean; labels: Labels; ssh: SshSettings | null; transport: string }> => {
  type Found = { id: string; labels: Labels; ssh: SshSettings | null; transport: string; is_new: boolean }
  const { rows } = await sql.query<Found>(
    `with named as (select id, labels, ssh, transport from mote.host where name = $2 and state <> 'revoked'
                    order by transport = 'ssh' desc limit 1),
       added as (insert into mote.host (id, name, labels, ssh, transport) select $1, $2, $3, $4, 'ssh' where not exists (select from named)
                 on conflict (name) where transport = 'ssh' and state <> 'revoked' do nothing returning id, labels, ssh, transport)
     select *, false as is_new from named union all select *, true from added`,
    [host.id, host.name, host.labels, host.ssh],
  )
  const [found] = rows
  // Two who added it at the same moment: the other one's is there now.
  if (!found) return insertSshHost(sql, host)
  return { id: found.id, isNew: found.is_new, labels: found.labels, ssh: found.ssh, transport: found.transport }
}

/** Gives a host other SSH settings, or takes them away. Whether it could be reached with the old ones is forgotten. */
export const setSsh = async (sql: Sql, id: string, ssh: SshSettings | null): Promise<void> => {
  await sql.query(`update mote.host set ssh = $2, ssh_error = null where id = $1 and state <> 'revoked'`, [id, ssh])
}

export type Reach = { readonly host: string; readonly why: string | null }
/** Notes whether hosts were reached; answers those whose state is another than it was. */
export const noteReach = async (sql: Sql, reached: readonly Reach[]): Promise<string[]> => {
  const { rows } = await sql.query<{ id: string; changed: boolean }>(
    `with i as materialized (select * from unnest($1::uuid[], $2::text[]) as i(host, why)),
       before as (select h.id, h.ssh_error from mote.host h join i on i.host = h.id)
     update mote.host h set ssh_error = i.why, seen_at = case when i.why is null and h.transport = 'ssh' then now() else h.seen_at end
     from i join before b on b.id = i.host where h.id = i.host
     returning h.id, b.ssh_error is distinct from i.why as changed`,
    [reached.map(one => one.host), reached.map(one => one.why)],
  )
  return rows.flatMap(row => (row.changed ? [row.id] : []))
}

import type { Deployment, DeploymentHost, HostRef } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

export type NewDeployment = {
  readonly id: string
  readonly verb: 'deploy' | 'remove'
  readonly on: string
  readonly build: string | null
  readonly by: string
  readonly hosts: readonly HostRef[]
}

/** Deployments that are kept to be looked at. */
const keptMax = 500

export const insertDeployment = async (sql: Sql, made: NewDeployment): Promise<void> => {
  await sql.query(
    `with d as (insert into mote.deployment (id, verb, selector, build, created_by) values ($1, $2, $3, $4, $5) returning id)
     insert into mote.deployment_host (deployment, host, host_name) select d.id, h.* from d, unnest($6::uuid[], $7::text[]) as h`,
    [made.id, made.verb, made.on, made.build, made.by, made.hosts.map(one => one.id), made.hosts.map(one => one.name)],
  )
  await sql.query(
    `delete from mote.deployment where finished_at is not null and id in
       (select id from mote.deployment order by created_at desc, id desc offset $1)`,
    [keptMax],
  )
}

/** How far a host is; one that has ended stays as it ended. */
export const noteDeploymentHost = async (sql: Sql, deployment: string, now: DeploymentHost): Promise<void> => {
  await sql.query(
    `update mote.deployment_host set state = $3, phase = $4, phases = $5, ms = $6, changed = $7, said = $8, failure = $9
     where deployment = $1 and host = $2 and state in ('queued', 'running')`,
    [
      deployment,
      now.host.id,
      now.state,
      now.phase,
      JSON.stringify(now.phases),
      now.ms,
      now.changed ?? null,
      now.said ?? null,
      now.failure ? JSON.stringify(now.failure) : null,
    ],
  )
}

export const endDeployment = async (sql: Sql, id: string): Promise<void> => {
  await sql.query('update mote.deployment set finished_at = now() where id = $1 and finished_at is null', [id])
}
export const touchDeployment = async (sql: Sql, id: string): Promise<void> => {
  await sql.query('update mote.deployment set seen_at = now() where id = $1 and finished_at is null', [id])
}

/** Ends what services that are gone had under way; answers how many deployments. */
export const endAbandoned = async (sql: Sql, afterMs: number): Promise<number> => {
  const failure = {
    kind: 'lost',
    message: 'the service ended while it was under way; do it again, what is there already is not copied again',
    step: 'deployment',
  }
  const { rowCount } = await sql.query(
    `with gone as (update mote.deployment set finished_at = now()
                   where finished_at is null and seen_at < now() - make_interval(secs => $1::float8 / 1000) returning id),
          lost as (update mote.deployment_host h set state = 'lost', failure = $2 from gone
                   where h.deployment = gone.id and h.state in ('queued', 'running'))
     select from gone`,
    [afterMs, JSON.stringify(failure)],
  )
  return rowCount ?? 0
}

type Row = {
  id: string
  verb: 'deploy' | 'remove'
  selector: string
  build: string | null
  created_by: string
  created_at: Date
  finished_at: Date | null
  hosts: (Omit<DeploymentHost, 'changed' | 'said' | 'failure'> & {
    changed: unknown
    said: unknown
    failure: unknown
  })[]
}
const present = (row: Row['hosts'][number]): DeploymentHost =>
  Object.fromEntries(
    Object.entries(row).filter(([name, value]) => value !== null || !['changed', 'said', 'failure'].includes(name)),
  ) as DeploymentHost

export const findDeployment = async (sql: Sql, id: string): Promise<Deployment | null> => {
  const { rows } = await sql.query<Row>(
    `select d.id, d.verb, d.selector, d.build, d.created_by, d.created_at, d.finished_at,
       (select coalesce(json_agg(json_build_object('host', json_build_object('id', h.host, 'name', h.host_name), 'state', h.state, 'phase', h.phase,
          'phases', h.phases, 'ms', h.ms, 'changed', h.changed, 'said', h.said, 'failure', h.failure) order by h.host_name, h.host), '[]'::json)
        from mote.deployment_host h where h.deployment = d.id) as hosts
     from mote.deployment d where d.id = $1`,
    [id],
  )
  const [row] = rows
  if (!row) return null
  return {
    id: row.id,
    verb: row.verb,
    on: row.selector,
    build: row.build,
    state: row.finished_at === null ? 'running' : 'done',
    createdAt: row.created_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    createdBy: row.created_by,
    hosts: row.hosts.map(present),
  }
}

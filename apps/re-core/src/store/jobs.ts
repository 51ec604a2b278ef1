import { newId, type Phase, type Verb, type VerbInput } from '@re-ops/protocols'
import { jobOf } from './columns.ts'
import type { JobRow, SystemRow } from './row.ts'
import type { Sql } from './sql.ts'

type Raw = Record<string, unknown>
const select = 'select j.*, s.name from core.job j join core.system s on s.id = j.system'
const first = (rows: readonly Raw[]): JobRow | null => (rows[0] === undefined ? null : jobOf(rows[0]))

/** A job that was just asked for. */
export const newJob = (system: SystemRow, verb: Verb, at: number, input: VerbInput = {}): JobRow => ({
  id: newId(),
  system: system.id,
  name: system.name,
  verb,
  input,
  state: 'queued',
  error: null,
  phases: verb === 'create' ? system.phases : [],
  createdAt: at,
  finishedAt: null,
})

/** The row of a job that was just asked for, whose parameters come behind `others` that the statement has. */
export const jobInsert = (job: JobRow, others = 0): { readonly text: string; readonly values: readonly unknown[] } => {
  const { id, system, verb, input, state, phases, createdAt } = job
  const values = [id, system, verb, JSON.stringify(input), state, JSON.stringify(phases), new Date(createdAt)]
  const places = values.map((_, n) => `$${others + n + 1}`).join(', ')
  return {
    text: `insert into core.job (id, system, verb, input, state, phases, created_at) values (${places})`,
    values,
  }
}

export const insertJob = async (
  sql: Sql,
  system: SystemRow,
  verb: Verb,
  at: number,
  input: VerbInput = {},
): Promise<JobRow> => {
  const job = newJob(system, verb, at, input)
  const { text, values } = jobInsert(job)
  await sql.query(text, [...values])
  return job
}

export const jobById = async (sql: Sql, id: string): Promise<JobRow | null> =>
  first((await sql.query<Raw>(`${select} where j.id = $1`, [id])).rows)
export const jobsById = async (sql: Sql, ids: readonly string[]): Promise<JobRow[]> =>
  (await sql.query<Raw>(`${select} where j.id = any($1)`, [ids])).rows.map(jobOf)

export const jobInFlight = async (sql: Sql, system: string): Promise<JobRow | null> =>
  first((await sql.query<Raw>(`${select} where j.system = $1 and j.finished_at is null`, [system])).rows)

export const lastJob = async (sql: Sql, system: string, verb: Verb): Promise<JobRow | null> =>
  first(
    (
      await sql.query<Raw>(`${select} where j.system = $1 and j.verb = $2 order by j.created_at desc limit 1`, [
        system,
        verb,
      ])
    ).rows,
  )

/** The latest that took that volume off a machine of the place. */
export const lastDetach = async (
  sql: Sql,
  { account, region }: Pick<SystemRow, 'account' | 'region'>,
  volume: string,
): Promise<JobRow | null> =>
  first(
    (
      await sql.query<Raw>(
        `${select} where s.account = $1 and s.region = $2 and j.verb = 'detach' and j.input->>'volume' = $3
         order by j.created_at desc limit 1`,
        [account, region, volume],
      )
    ).rows,
  )

/** Newest first. */
export const listJobs = async (sql: Sql, system: string | null, limit: number): Promise<JobRow[]> =>
  (
    await sql.query<Raw>(
      `${select} where $1::uuid is null or j.system = $1 order by j.created_at desc, j.id desc limit $2`,
      [system, limit],
    )
  ).rows.map(jobOf)

export const cancelJob = async (sql: Sql, id: string, why: string, at: number): Promise<void> => {
  await sql.query(
    `update core.job set state = 'cancelled', error = $2, finished_at = $3 where id = $1 and finished_at is null`,
    [id, why, new Date(at)],
  )
}

/** The phases each verb is over in; null = any in which the system settles. */
const goals: Readonly<Record<Verb, readonly Phase[] | null>> = {
  create: ['ready'],
  start: ['ready'],
  reload: ['ready'],
  reboot: ['ready'],
  stop: ['stopped'],
  resize: ['ready', 'stopped'],
  rename: null,
  label: null,
  snapshot: null,
  attach: null,
  detach: null,
  policy: null,
  import: ['ready', 'stopped'],
  forget: ['gone'],
  protect: null,
  unprotect: null,
  destroy: ['gone'],
}

/**
 * The system has settled: the open job ends as its verdict says, else it is done if that was its goal, failed if nothing
 * more will happen.
 */
export const settleJob = async (sql: Sql, row: SystemRow, at: number): Promise<void> => {
  const reached = Object.entries(goals).flatMap(([verb, goal]) =>
    goal === null || goal.includes(row.phase) ? [verb] : [],
  )
  const over = row.phase === 'failed' || row.phase === 'lost'
  await sql.query(
    `update core.job set finished_at = $4,
       state = case when $6::text is not null then $6 when verb = any($2) then 'done' else 'failed' end,
       error = case when $6::text is not null then $7 when verb = any($2) then null else $5 end
     where system = $1 and finished_at is null and (verb = any($2) or $3 or $6::text is not null)`,
    [row.id, reached, over, new Date(at), row.reason, row.verdict?.state ?? null, row.verdict?.why ?? null],
  )
}

/** The open job waits, and why. */
export const jobWaits = async (sql: Sql, system: string, why: string | null): Promise<void> => {
  await sql.query(`update core.job set state = 'waiting', error = $2 where system = $1 and finished_at is null`, [
    system,
    why,
  ])
}

import type { Phase } from '@re-ops/protocols'
import type { PlaceKey } from '../providers/place.ts'
import { columns, systemOf, toColumn } from './columns.ts'
import { jobInsert } from './jobs.ts'
import type { JobRow, SystemRow } from './row.ts'
import type { Sql } from './sql.ts'

type Raw = Record<string, unknown>
export type Changes = Partial<Omit<SystemRow, 'id' | 'leaseEpoch' | 'phases' | 'phaseAt' | 'createdAt'>>

const first = (rows: readonly Raw[]): SystemRow | null => (rows[0] === undefined ? null : systemOf(rows[0]))

/** A new system and the job that it is for, in one statement; the row as it is stored. */
export const insertSystem = async (sql: Sql, row: SystemRow, job: JobRow): Promise<SystemRow> => {
  const fields = Object.keys(columns) as (keyof SystemRow)[]
  const names = fields.map(field => columns[field].name).join(', ')
  const places = fields.map((_, n) => `$${n + 1}`).join(', ')
  const asked = jobInsert(job, fields.length)
  const { rows } = await sql.query<Raw>(
    `with made as (insert into core.system (${names}) values (${places}) returning *), job as (${asked.text})
     select * from made`,
    [...fields.map(field => toColumn(field, row[field])), ...asked.values],
  )
  return first(rows) ?? row
}

/** The same, claimed by the attempt that goes on with it at once: as `claimSystem` would leave it. */
export const insertClaimed = (sql: Sql, row: SystemRow, job: JobRow): Promise<SystemRow> =>
  insertSystem(sql, { ...row, leaseEpoch: row.leaseEpoch + 1 }, { ...job, state: 'running' })

/** Of these names some that systems have which are not gone. */
export const namesInUse = async (sql: Sql, names: readonly string[]): Promise<string[]> =>
  (
    await sql.query<{ name: string }>(
      `select name from core.system where name = any($1) and phase <> 'gone' order by name limit 5`,
      [names],
    )
  ).rows.map(row => row.name)

export const systemById = async (sql: Sql, id: string): Promise<SystemRow | null> =>
  first((await sql.query<Raw>('select * from core.system where id = $1', [id])).rows)

/** Of several with the name the one that is not gone, else the latest. */
export const systemByName = async (sql: Sql, name: string): Promise<SystemRow | null> =>
  first(
    (
      await sql.query<Raw>(
        `select * from core.system where name = $1 order by (phase = 'gone'), created_at desc limit 1`,
        [name],
      )
    ).rows,
  )

export const lockSystem = async (sql: Sql, id: string): Promise<SystemRow | null> =>
  first((await sql.query<Raw>('select * from core.system where id = $1 for update', [id])).rows)

/** All but the sealed request: kilobytes a row, which nobody who lists looks at. */
const shown = Object.values(columns)
  .map(({ name }) => (name === columns.frozenRequest.name ? `null::bytea as ${name}` : name))
  .join(', ')

export const listSystems = async (sql: Sql, withGone: boolean, limit: number): Promise<SystemRow[]> =>
  (
    await sql.query<Raw>(
      `select ${shown} from core.system where $1 or phase <> 'gone' order by created_at, name limit $2`,
      [withGone, limit],
    )
  ).rows.map(systemOf)

export const systemsById = async (sql: Sql, ids: readonly string[]): Promise<SystemRow[]> =>
  (await sql.query<Raw>('select * from core.system where id = any($1)', [ids])).rows.map(systemOf)

/** Starts an attempt: from here on only writes that name this epoch count. The open job is running. */
export const claimSystem = async (sql: Sql, id: string): Promise<SystemRow | null> =>
  first(
    (
      await sql.query<Raw>(
        `with claimed as (update core.system set lease_epoch = lease_epoch + 1 where id = $1 returning *),
         job as (update core.job set state = 'running', error = null
                 where system = $1 and finished_at is null and state <> 'running')
         select * from claimed`,
        [id],
      )
    ).rows,
  )

const phasesMax = 64
/** Fields that follow from entering a phase. */
const entering = (row: SystemRow, phase: Phase, at: number) =>
  phase === row.phase
    ? {}
    : {
        phase,
        phaseAt: at,
        phases: [...row.phases, { name: phase, at: new Date(at).toISOString() }].slice(-phasesMax),
      }

/**
 * Writes what an attempt found or did, if it is still the latest attempt; null tells it to stop. A phase that is
 * entered is also noted in the open job. `fenced: false` is the proof kit's seeded bug.
 */
export const writeSystem = async (
  sql: Sql,
  row: SystemRow,
  changes: Changes,
  { at, fenced }: { at: number; fenced: boolean },
): Promise<SystemRow | null> => {
  const { phase, ...others } = changes
  const entered = phase === undefined ? {} : entering(row, phase, at)
  const all = Object.entries({ ...others, ...entered }) as [keyof SystemRow, unknown][]
  const sets = all.map(([field], n) => `${columns[field].name} = $${n + 4}`)
  const { rows } = await sql.query<Raw>(
    `with written as (
       update core.system set ${sets.length > 0 ? sets.join(', ') : 'id = id'}
       where id = $1 and (lease_epoch = $2 or not $3) returning *)
     ${'phase' in entered ? `, job as (update core.job set phases = phases || '${markJson(entered.phase, at)}'::jsonb where system = (select id from written) and finished_at is null)` : ''}
     select * from written`,
    [row.id, row.leaseEpoch, fenced, ...all.map(([field, value]) => toColumn(field, value))],
  )
  return first(rows)
}
const markJson = (name: Phase, at: number) => JSON.stringify([{ name, at: new Date(at).toISOString() }])

/**
 * Saves what the create call answered, at once and also from an attempt that is no longer the latest, but only into a
 * row that still wants it; null otherwise, and then the machine is a sighting.
 */
export const saveRef = async (sql: Sql, row: SystemRow, ref: string): Promise<SystemRow | null> =>
  first(
    (
      await sql.query<Raw>(
        `update core.system set ref = $4 where id = $1 and generation = $2 and candidate = $3 and desired <> 'absent'
         and want_generation = generation and (ref is null or ref = $4) returning *`,
        [row.id, row.generation, row.candidate, ref],
      )
    ).rows,
  )

/** Noted beside whatever attempt is under way, for the machine that it has now. */
export const addressesAre = async (sql: Sql, row: SystemRow, addresses: SystemRow['addresses']): Promise<void> => {
  const values = [row.id, row.ref, toColumn('addresses', addresses)]
  await sql.query('update core.system set addresses = $3 where id = $1 and ref = $2', values)
}

/** Rows that need a look: their time has come, or a message for them was lost. */
export const overdueSystems = async (sql: Sql, now: number, limit: number): Promise<string[]> =>
  (
    await sql.query<{ id: string }>(
      `select id from core.system where phase <> 'gone' and (next_at <= $1 or (next_at is null and (
         want_generation > generation or desired = 'absent'
         or (desired = 'stopped' and phase not in ('stopped', 'failed', 'lost') and managed = 'full')
         or (desired = 'running' and phase not in ('ready', 'failed', 'lost')
           and not (phase = 'stopped' and (managed = 'observe' or 'power' <> all(fixes)))))))
       order by next_at nulls first limit $2`,
      [new Date(now), limit],
    )
  ).rows.map(row => row.id)

/** All that may have a machine, for one batch comparison with what the provider lists. */
export const machinesWanted = async (sql: Sql, { provider, account, region }: PlaceKey): Promise<SystemRow[]> =>
  (
    await sql.query<Raw>(
      `select * from core.system
       where provider = $1 and account = $2 and region = $3 and phase <> 'gone' and ref is not null`,
      [provider, account, region],
    )
  ).rows.map(systemOf)

/**
 * The living system whose machine that is. Whoever asks within a transaction is the only one to ask of that machine until
 * it ends.
 */
export const holderOf = async (
  sql: Sql,
  { provider, account, region }: PlaceKey,
  ref: string,
): Promise<SystemRow | null> => {
  await sql.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [[provider, account, region, ref].join('/')])
  const { rows } = await sql.query<Raw>(
    `select * from core.system
     where provider = $1 and account = $2 and region = $3 and ref = $4 and phase <> 'gone' limit 1`,
    [provider, account, region, ref],
  )
  return first(rows)
}

const goneDays = 30
export const forgetGone = async (sql: Sql, now: number): Promise<void> => {
  await sql.query(`delete from core.system where phase = 'gone' and phase_at < $1`, [
    new Date(now - goneDays * 86_400_000),
  ])
}

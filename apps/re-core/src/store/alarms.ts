import type { Freeze } from '@re-ops/protocols'
import type { PlaceKey } from '../providers/place.ts'
import type { Sql } from './sql.ts'

export const alarmKinds = ['unknown', 'newer', 'later-lease'] as const
/** What a round saw in a place and needs a person. */
export type Alarm = {
  readonly kind: (typeof alarmKinds)[number]
  readonly ref: string
  readonly system: string
  readonly text: string
  readonly freezes: boolean
}

const key = ({ ref, kind }: Pick<Alarm, 'ref' | 'kind'>): string => `${kind} ${ref}`

/** Makes the open alarms of a place those that were just seen; answers which are new. */
export const syncAlarms = async (sql: Sql, place: PlaceKey, seen: readonly Alarm[]): Promise<Alarm[]> => {
  const { provider, account, region } = place
  await sql.query(
    `delete from core.alarm where provider = $1 and account = $2 and region = $3 and kind || ' ' || ref <> all($4)`,
    [provider, account, region, seen.map(key)],
  )
  if (seen.length === 0) return []
  const { rows } = await sql.query<{ kind: Alarm['kind']; ref: string }>(
    `insert into core.alarm (provider, account, region, ref, kind, system, text, freezes)
     select $1, $2, $3, one.ref, one.kind, one.system::uuid, one.text, one.freezes
     from jsonb_to_recordset($4::jsonb) as one (ref text, kind text, system text, text text, freezes boolean)
     on conflict do nothing returning kind, ref`,
    [provider, account, region, JSON.stringify(seen)],
  )
  const fresh = new Set(rows.map(key))
  return seen.filter(one => fresh.has(key(one)))
}

/** Whether something was seen in the account that is newer than our rows. */
export const isFrozen = async (sql: Sql, { provider, account }: Pick<PlaceKey, 'provider' | 'account'>) =>
  (
    await sql.query('select 1 from core.alarm where provider = $1 and account = $2 and freezes limit 1', [
      provider,
      account,
    ])
  ).rows.length > 0

export const forgetAlarmsOf = async (sql: Sql, system: string): Promise<void> => {
  await sql.query('delete from core.alarm where system = $1', [system])
}

type Raw = { account: string; region: string; ref: string; system: string | null; text: string; since: Date }
const evidenceMax = 500
/** The accounts in which nothing is ended by itself, and why. */
export const listFreezes = async (sql: Sql): Promise<Freeze[]> => {
  const { rows } = await sql.query<Raw>(
    `select account, region, ref, system, text, since from core.alarm where freezes order by since, ref limit $1`,
    [evidenceMax],
  )
  return Object.entries(Object.groupBy(rows, row => row.account)).map(([account, all = []]) => ({
    account,
    since: all[0]?.since.toISOString() ?? '',
    evidence: all.map(({ region, ref, system, text }) => ({ region, ref, system, text })),
  }))
}

import { newId } from '@re-ops/protocols'
import type { PlaceKey } from '../providers/place.ts'
import type { Sql } from './sql.ts'

/** Written before the provider is asked: the same name is the same volume, whoever died in between. Answers its id. */
export const intendVolume = async (sql: Sql, place: PlaceKey, name: string, at: number): Promise<string> => {
  const { rows } = await sql.query<{ id: string }>(
    `insert into core.volume (id, provider, account, region, name, created_at) values ($1, $2, $3, $4, $5, $6)
     on conflict (account, region, name) do update set name = $5 returning id`,
    [newId(), place.provider, place.account, place.region, name, new Date(at)],
  )
  return rows[0]?.id ?? ''
}

export const saveVolumeRef = async (sql: Sql, id: string, ref: string): Promise<void> => {
  await sql.query('update core.volume set ref = $2 where id = $1', [id, ref])
}

export const deleteVolume = async (sql: Sql, { account, region }: PlaceKey, name: string): Promise<void> => {
  await sql.query('delete from core.volume where account = $1 and region = $2 and name = $3', [account, region, name])
}

/** Volumes of the place that have a life of their own: no machine takes them along. */
export const keptVolumes = async (
  sql: Sql,
  { account, region }: Pick<PlaceKey, 'account' | 'region'>,
): Promise<string[]> =>
  (
    await sql.query<{ ref: string }>(
      'select ref from core.volume where account = $1 and region = $2 and ref is not null',
      [account, region],
    )
  ).rows.map(row => row.ref)

/** Systems of the place by their machine's reference. */
export const namesByRef = async (sql: Sql, { account, region }: PlaceKey): Promise<Map<string, string>> => {
  const { rows } = await sql.query<{ ref: string; name: string }>(
    `select ref, name from core.system where account = $1 and region = $2 and ref is not null and phase <> 'gone'`,
    [account, region],
  )
  return new Map(rows.map(row => [row.ref, row.name]))
}

import type { PlaceKey } from '../providers/place.ts'
import type { Sql } from './sql.ts'

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

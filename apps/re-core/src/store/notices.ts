import { newId, type Notice } from '@re-ops/protocols'
import type { PlaceKey } from '../providers/place.ts'
import type { Sql } from './sql.ts'

type Raw = {
  id: string
  at: Date
  kind: Notice['kind']
  account: string | null
  region: string | null
  system: string | null
  ref: string | null
  text: string
}
const noticeOf = ({ at, ...row }: Raw): Notice => ({ ...row, at: at.toISOString() })

export type Told = Pick<Notice, 'kind' | 'text'> &
  Partial<Pick<Notice, 'system' | 'ref'>> & { readonly place?: Partial<Pick<PlaceKey, 'account' | 'region'>> }

/** Writes down what happened by itself. Part of the caller's transaction, so what did not happen is not told. */
export const addNotice = async (sql: Sql, { kind, text, system, ref, place }: Told): Promise<void> => {
  await sql.query(
    `insert into core.notice (id, kind, account, region, system, ref, text) values ($1, $2, $3, $4, $5, $6, $7)`,
    [newId(), kind, place?.account ?? null, place?.region ?? null, system ?? null, ref ?? null, text],
  )
}

/** Newest first. */
export const listNotices = async (sql: Sql, limit: number): Promise<Notice[]> =>
  (await sql.query<Raw>('select * from core.notice order by at desc, id desc limit $1', [limit])).rows.map(noticeOf)

export const noticesOfAccount = async (sql: Sql, account: string, limit: number): Promise<Notice[]> =>
  (
    await sql.query<Raw>('select * from core.notice where account = $1 order by at desc, id desc limit $2', [
      account,
      limit,
    ])
  ).rows.map(noticeOf)

export const noticesById = async (sql: Sql, ids: readonly string[]): Promise<Notice[]> =>
  (await sql.query<Raw>('select * from core.notice where id = any($1) order by at, id', [ids])).rows.map(noticeOf)

const keptDays = 30
const keptMax = 10_000
export const forgetNotices = async (sql: Sql): Promise<void> => {
  await sql.query(
    `delete from core.notice where at < now() - make_interval(days => $1)
       or id in (select id from core.notice order by at desc offset $2)`,
    [keptDays, keptMax],
  )
}

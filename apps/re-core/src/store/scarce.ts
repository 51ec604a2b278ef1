import type { Offering } from '@re-ops/protocols'
import type { Sql } from './sql.ts'

type Where = { readonly account: string; readonly region: string }
/** Written and read under the same words, whoever asks. */
export const offeringKey = ({ size, zone, market }: Offering): string => [size, zone ?? '*', market].join('|')

/** Offerings that were refused for want of capacity, and until when they are passed over (ms since 1970). */
export const scarceOfferings = async (
  sql: Sql,
  { account, region }: Where,
  now: number,
): Promise<Map<string, number>> => {
  const { rows } = await sql.query<{ offering: string; until: Date }>(
    'select offering, until from core.scarce where account = $1 and region = $2 and until > $3',
    [account, region, new Date(now)],
  )
  return new Map(rows.map(row => [row.offering, row.until.getTime()]))
}

export const noteScarce = async (
  sql: Sql,
  { account, region }: Where,
  offering: Offering,
  until: number,
): Promise<void> => {
  await sql.query(
    `insert into core.scarce (account, region, offering, until) values ($1, $2, $3, $4)
     on conflict (account, region, offering) do update set until = greatest(core.scarce.until, $4)`,
    [account, region, offeringKey(offering), new Date(until)],
  )
}

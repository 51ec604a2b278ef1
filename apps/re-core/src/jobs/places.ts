import {
  ProviderError,
  type ParkedFor,
  type Provider,
  type ProviderErrorKind,
  type ProviderKind,
} from '@re-ops/protocols'
import type { Driver } from '../providers/driver.ts'
import type { Open } from '../providers/opener.ts'
import { onlyPlace, placeName, type PlaceKey } from '../providers/place.ts'
import { accountPlaces } from '../store/accounts.ts'
import { addNotice } from '../store/notices.ts'
import { parkAccount, unparkAccount } from '../store/parked.ts'
import type { Sql } from '../store/sql.ts'

export type PlacesDeps = {
  readonly sql: Sql
  readonly drivers: ReadonlyMap<ProviderKind, Driver>
  readonly open: Open
  readonly parkedMs: number
  readonly log: { warn(fields: object, text: string): void }
}
/** `here`: on this computer or network, where a listing costs nothing; `remote`: an API with limits. */
export type Reach = 'here' | 'remote'
export type OpenPlace = { readonly place: PlaceKey; readonly provider: Provider }

const placesOf = async ({ sql, drivers }: PlacesDeps, reach: Reach): Promise<PlaceKey[]> => {
  if (reach === 'here') return [...drivers.values()].filter(one => one.account === null).map(one => onlyPlace(one.kind))
  return (await accountPlaces(sql)).filter(one => drivers.has(one.provider))
}

/** Of a list that is refused: everything for wrong credentials, lists alone for a right that is missing. */
const refused: Readonly<Partial<Record<ProviderErrorKind, ParkedFor>>> = { auth: 'all', denied: 'list' }
/** One alarm when an account's credentials stop working, not one per machine; taken back when they work again. */
const judge = async ({ sql, log, parkedMs }: PlacesDeps, place: PlaceKey, error: unknown): Promise<void> => {
  if (error === null) {
    if (!(await unparkAccount(sql, place.account, ['all', 'list']))) return
    return addNotice(sql, { kind: 'account-resumed', place, text: 'the account works again' })
  }
  const what = error instanceof ProviderError ? refused[error.kind] : undefined
  if (what === undefined) return
  const why = (error as ProviderError).message
  if (!(await parkAccount(sql, place.account, what, { why, forMs: parkedMs }))) return
  await addNotice(sql, { kind: 'account-parked', place, text: `the account is refused, its machines wait: ${why}` })
  log.warn({ account: place.account, reason: why }, 'ALARM: an account is refused; its machines wait')
}

/** Does the work in every place; one that fails does not keep it from the others. */
export const inPlaces = async (
  deps: PlacesDeps,
  reach: Reach,
  work: (one: OpenPlace) => Promise<unknown>,
): Promise<void> => {
  for (const place of await placesOf(deps, reach))
    try {
      await work({ place, provider: await deps.open(place) })
      if (reach === 'remote') await judge(deps, place, null)
    } catch (error) {
      deps.log.warn({ place: placeName(place), error: (error as Error).message }, 'a round broke off')
      if (reach === 'remote') await judge(deps, place, error)
    }
}

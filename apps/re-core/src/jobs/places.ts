import { ProviderError, type Provider, type ProviderKind } from '@re-ops/protocols'
import type { Driver } from '../providers/driver.ts'
import type { Open } from '../providers/opener.ts'
import { onlyPlace, placeName, type PlaceKey } from '../providers/place.ts'
import { accountPlaces, noteProblem } from '../store/accounts.ts'
import { addNotice } from '../store/notices.ts'
import type { Sql } from '../store/sql.ts'

export type PlacesDeps = {
  readonly sql: Sql
  readonly drivers: ReadonlyMap<ProviderKind, Driver>
  readonly open: Open
  readonly log: { warn(fields: object, text: string): void }
}
/** `here`: on this computer or network, where a listing costs nothing; `remote`: an API with limits. */
export type Reach = 'here' | 'remote'
export type OpenPlace = { readonly place: PlaceKey; readonly provider: Provider }

const placesOf = async ({ sql, drivers }: PlacesDeps, reach: Reach): Promise<PlaceKey[]> => {
  if (reach === 'here') return [...drivers.values()].filter(one => one.account === null).map(one => onlyPlace(one.kind))
  return (await accountPlaces(sql)).filter(one => drivers.has(one.provider))
}

const parks: ReadonlySet<string> = new Set(['auth', 'denied'])
/** One alarm when an account's credentials stop working, not one per machine; taken back when they work again. */
const judge = async ({ sql, log }: PlacesDeps, place: PlaceKey, error: unknown): Promise<void> => {
  const problem = error instanceof ProviderError && parks.has(error.kind) ? error.message : null
  if (error !== null && problem === null) return
  if (!(await noteProblem(sql, place.account, problem))) return
  const text = problem === null ? 'the account works again' : `the account is refused, its machines wait: ${problem}`
  await addNotice(sql, { kind: problem === null ? 'account-resumed' : 'account-parked', place, text })
  if (problem !== null)
    log.warn({ account: place.account, reason: problem }, 'ALARM: an account is refused; its machines wait')
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

import { ProviderError, type Provider, type ProviderErrorKind } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { PlaceKey } from '../providers/place.ts'
import { listAccounts } from '../store/accounts.ts'
import type { ServiceDeps } from './deps.ts'
import { openFor, placeFor, type Wish } from './where.ts'

export type Deps = Pick<ServiceDeps, 'opener' | 'open' | 'pool' | 'now'>

const statuses: Partial<Record<ProviderErrorKind, number>> = {
  invalid: 422,
  unsupported: 422,
  quota: 422,
  'not-found': 404,
  busy: 409,
  conflict: 409,
  throttled: 503,
}

/** A provider's refusal as an answer. */
export const told = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    const extra = error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }
    throw new HttpProblem(
      statuses[error.kind] ?? 502,
      `provider-${error.kind}`,
      'The provider refuses',
      error.message,
      extra,
    )
  }
}

const answerMs = 60_000
export const bound = (): AbortSignal => AbortSignal.timeout(answerMs)

/** Said to be nowhere, it is at the only account there is: this computer has nothing of the kind. */
const besideWish = async ({ pool, opener: { drivers } }: Deps, wish: Wish): Promise<Wish> => {
  if (wish.provider !== undefined || wish.account !== undefined) return wish
  const accounts = await listAccounts(pool)
  const [only, another] = accounts
  if (only === undefined) return wish
  if (another === undefined) return { ...wish, account: only.name }
  const allowed = accounts.filter(one => drivers.has(one.provider)).map(one => one.name)
  throw new HttpProblem(
    422,
    'account-not-given',
    'Which account?',
    `account is not given; allowed: ${allowed.join(', ')}`,
  )
}

type Extra = 'volumes' | 'keys' | 'firewalls'
/** The place that is meant, and what its provider has of the kind. Throws HttpProblem 422 where there is none. */
export const extraOf = async <K extends Extra>(
  deps: Deps,
  wish: Wish,
  kind: K,
): Promise<{ place: PlaceKey; api: NonNullable<Provider[K]>; provider: Provider }> => {
  const { place } = await placeFor(deps, await besideWish(deps, wish))
  const provider = await openFor(deps, place)
  const api = provider[kind]
  if (api !== undefined) return { place, api, provider }
  throw new HttpProblem(422, 'no-such-thing', 'The provider has none', `provider ${place.provider} has no ${kind}`)
}

import { ProviderError, type Catalog, type ProviderInfo } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { listAccounts } from '../store/accounts.ts'
import type { ServiceDeps } from './deps.ts'
import { openFor, placeFor, type Wish } from './where.ts'

/** The providers of this installation, and which accounts there are. */
export const getProviders = async ({ opener, pool }: ServiceDeps): Promise<ProviderInfo[]> => {
  const accounts = await listAccounts(pool)
  return [...opener.drivers.values()].map(({ kind, account, size, image, caps }) => ({
    provider: kind,
    needsAccount: account !== null,
    accounts: accounts.filter(one => one.provider === kind).map(one => one.name),
    size,
    image,
    caps: { ...caps },
  }))
}

const catalogMs = 30_000
const keptMs = 600_000
const kept = new WeakMap<object, { readonly at: number; readonly catalog: Catalog }>()

/** What can be had in a place; asked of the provider at most every ten minutes. */
export const getCatalog = async (deps: ServiceDeps, wish: Wish): Promise<Catalog> => {
  const { place } = await placeFor(deps, wish)
  const provider = await openFor(deps, place)
  const known = kept.get(provider)
  if (known !== undefined && deps.now() - known.at < keptMs) return known.catalog
  try {
    const catalog = await provider.catalog(AbortSignal.timeout(catalogMs))
    kept.set(provider, { at: deps.now(), catalog })
    return catalog
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    throw new HttpProblem(502, 'provider-refused', 'The provider did not answer', error.message)
  }
}

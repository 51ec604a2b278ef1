import { ProviderError, type Catalog, type ProviderInfo } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { pricesOf } from '../prices/file.ts'
import type { PlaceKey } from '../providers/place.ts'
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
const kept = new WeakMap<object, { readonly at: number; readonly catalog: Promise<Catalog> }>()

/** Those of the price file, where the provider's API tells none. */
const priced = ({ prices }: Pick<ServiceDeps, 'prices'>, place: PlaceKey, catalog: Catalog): Catalog => {
  const file = catalog.prices.length > 0 ? null : pricesOf(prices, place.provider, place.region)
  if (file === null) return catalog
  const { at, source } = file
  return { ...catalog, prices: Object.entries(file.sizes).map(([size, hourly]) => ({ size, hourly, source, at })) }
}

type CatalogDeps = Pick<ServiceDeps, 'opener' | 'open' | 'pool' | 'now' | 'prices'>
/** What can be had in a place; asked of the provider at most every ten minutes, and once by all who ask meanwhile. */
export const getCatalog = async (deps: CatalogDeps, wish: Wish): Promise<Catalog> => {
  const { place } = await placeFor(deps, wish)
  const provider = await openFor(deps, place)
  const known = kept.get(provider)
  const isFresh = known !== undefined && deps.now() - known.at < keptMs
  const catalog = isFresh ? known.catalog : provider.catalog(AbortSignal.timeout(catalogMs))
  if (!isFresh) kept.set(provider, { at: deps.now(), catalog })
  try {
    return priced(deps, place, await catalog)
  } catch (error) {
    if (kept.get(provider)?.catalog === catalog) kept.delete(provider)
    if (!(error instanceof ProviderError)) throw error
    throw new HttpProblem(502, 'provider-refused', 'The provider did not answer', error.message)
  }
}

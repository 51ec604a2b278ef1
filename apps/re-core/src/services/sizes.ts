import { HttpProblem } from '@re-ops/service'
import { pricesOf } from '../prices/file.ts'
import type { PlaceKey } from '../providers/place.ts'
import type { ServiceDeps } from './deps.ts'
import { getCatalog } from './providers.ts'

type Deps = Pick<ServiceDeps, 'opener' | 'open' | 'pool' | 'now' | 'prices'>

const likeMax = 5
/** Of the same family, or as large in another one; else the smallest. */
const like = (size: string, names: readonly string[]): string[] => {
  const parts = (name: string) => name.split(/[.-]/)
  const [family, ...rest] = parts(size)
  const of = (name: string) => {
    const [first, ...others] = parts(name)
    return first === family || (rest.length > 0 && others.join(' ') === rest.join(' '))
  }
  const near = names.filter(of)
  return (near.length > 0 ? near : names).slice(0, likeMax)
}

/** Its catalogue, or null when it is not to be had: then the provider says itself what it refuses. */
const sizesIn = async (deps: Deps, place: PlaceKey): Promise<string[] | null> => {
  try {
    return (await getCatalog(deps, place)).sizes.map(one => one.name)
  } catch (error) {
    if (error instanceof HttpProblem) return null
    throw error
  }
}

/**
 * Refuses a size that a place has not, with what is allowed, before anything is made. What re-core knows by name or has
 * a price of is right without a look; all else is looked up in the catalogue, which is kept. Throws HttpProblem 422.
 */
export const refuseUnknownSize = async (deps: Deps, place: PlaceKey, size: string): Promise<void> => {
  const { provider, account, region } = place
  const names = deps.opener.drivers.get(provider)?.sizeNames
  if (names === undefined || size in names || Object.values(names).includes(size)) return
  if (pricesOf(deps.prices, provider, region)?.sizes[size] !== undefined) return
  const sizes = await sizesIn(deps, place)
  if (sizes === null || sizes.length === 0 || sizes.includes(size)) return
  const allowed = `${Object.keys(names).join(', ')} or one of its ${sizes.length} sizes, as ${like(size, sizes).join(', ')}`
  throw new HttpProblem(
    422,
    'bad-spec',
    'The provider has no such size',
    `size is ${size}; allowed of account ${account} in ${region}: ${allowed} (reops sizes --account ${account})`,
  )
}

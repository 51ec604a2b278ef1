import type { Catalog, Cost, Estimate, SystemCost, SystemSpec } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { costOf, freeCost, hourlyIn, spentBy, unknownCost, type Billed } from '../prices/cost.ts'
import { pricesOf } from '../prices/file.ts'
import { driverOf } from '../providers/opener.ts'
import type { PlaceKey } from '../providers/place.ts'
import { placeName } from '../providers/place.ts'
import type { SystemRow } from '../store/row.ts'
import { listSystems } from '../store/systems.ts'
import type { ServiceDeps } from './deps.ts'
import { getCatalog } from './providers.ts'

type Deps = Pick<ServiceDeps, 'opener' | 'open' | 'pool' | 'now' | 'prices'>
type Priced = PlaceKey & Pick<SystemSpec, 'size' | 'options'>
const systemsMax = 10_000
/** Nobody waits longer for a price: it is there the next time. */
const patienceMs = 2_000

const within = async <T>(ms: number, asked: Promise<T>): Promise<T | null> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>(resolve => (timer = setTimeout(() => resolve(null), ms)))
  try {
    return await Promise.race([asked, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The place's catalogue, or why it is not there (yet). */
const catalogOf = async (deps: Deps, place: PlaceKey): Promise<Catalog | string> => {
  const asked = getCatalog(deps, place).catch((error: unknown) => {
    if (error instanceof HttpProblem) return error.detail
    throw error
  })
  return (await within(patienceMs, asked)) ?? 'the prices are being read; ask again'
}

/** What disks an image of EC2 has when nothing is said of them. */
const imageDiskGb = 8
const billed = ({ size, options }: Priced, includesDisk: boolean): Billed => ({
  size,
  diskGb: includesDisk ? null : (options.diskGb ?? imageDiskGb),
  volumesGb: (options.volumes ?? []).map(one => one.sizeGb),
  spot: options.market === 'spot',
})

/** What one machine of the place costs. Never throws for want of a price. */
const costAt = async (deps: Deps, spec: Priced, seen: Map<string, Promise<Catalog | string>>): Promise<Cost> => {
  const { prices: how, caps } = driverOf(deps.opener, spec.provider)
  if (how === 'free') return freeCost
  const disk = pricesOf(deps.prices, spec.provider, spec.region)
  const rules = { disk, stoppedIsBilled: caps.stoppedIsBilled }
  if (how === 'file') {
    const hourly = disk !== null && Object.hasOwn(disk.sizes, spec.size) ? disk.sizes[spec.size] : undefined
    if (disk === null || hourly === undefined)
      return unknownCost(
        `no price of ${spec.size} in ${spec.region} is in the price file (RECORE_PRICES names another)`,
      )
    return costOf(billed(spec, false), { ...rules, size: { hourly, source: disk.source, at: disk.at } })
  }
  const key = placeName(spec)
  const catalog = await (seen.get(key) ?? seen.set(key, catalogOf(deps, spec)).get(key) ?? '')
  if (typeof catalog === 'string') return unknownCost(catalog)
  return costOf(billed(spec, true), { ...rules, size: catalog.prices.find(one => one.size === spec.size) ?? null })
}

/** Of machines that are or would be made alike. */
export const estimate = async (deps: Deps, systems: readonly Priced[]): Promise<Estimate> => {
  const [first] = systems
  const each = first === undefined ? freeCost : await costAt(deps, first, new Map())
  return { each, count: systems.length }
}

const systemCost = (row: SystemRow, each: Cost, now: number): SystemCost => ({
  system: row.id,
  name: row.name,
  provider: row.provider,
  each,
  hourlyNow: each.hourly === null ? null : hourlyIn(row.phase, each),
  spent: spentBy(row, each, now),
  since: row.phases[0]?.at ?? new Date(row.createdAt).toISOString(),
})

/** What systems cost now and have cost; all that are not gone, or one by its id or name. */
export const getCosts = async (deps: Deps, which: string | undefined): Promise<SystemCost[]> => {
  const rows = await listSystems(deps.pool, which !== undefined, systemsMax)
  const wanted = rows.filter(row => which === undefined || row.id === which || row.name === which)
  const seen = new Map<string, Promise<Catalog | string>>()
  return Promise.all(wanted.map(async row => systemCost(row, await costAt(deps, row, seen), deps.now())))
}

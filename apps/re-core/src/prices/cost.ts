import type { Cost, Price } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import type { RegionPrices } from './file.ts'

/** Months and years are not equally long; what providers count with. */
export const hoursOfMonth = 730
const hourMs = 3_600_000

/** What costs: a size, and disks beside what the size includes (GB). */
export type Billed = {
  readonly size: string
  /** A size includes its disk where this is null. */
  readonly diskGb: number | null
  readonly volumesGb: readonly number[]
  readonly spot: boolean
}
export type PriceList = {
  readonly size: Pick<Price, 'hourly' | 'source' | 'at'> | null
  readonly disk: RegionPrices | null
  readonly stoppedIsBilled: boolean
}

const round = (dollars: number): number => Math.round(dollars * 1e6) / 1e6
const nothing = { hourly: null, hourlyStopped: null, monthly: null, parts: [], source: null, at: null }

/** No price is known. */
export const unknownCost = (why: string): Cost => ({ ...nothing, why })
/** On hardware of one's own. */
export const freeCost: Cost = {
  hourly: 0,
  hourlyStopped: 0,
  monthly: 0,
  parts: [],
  source: 'hardware of your own',
  at: null,
  why: null,
}

/** One machine by its parts. */
export const costOf = ({ size, diskGb, volumesGb, spot }: Billed, list: PriceList): Cost => {
  if (list.size === null) return unknownCost(`no price is known of ${size}`)
  const disks = [
    ...(diskGb === null ? [] : [['disk', diskGb] as const]),
    ...volumesGb.map(gb => ['volume', gb] as const),
  ]
  if (disks.length > 0 && list.disk === null) return unknownCost('no price is known of disks there')
  const perGb = (list.disk?.diskGbMonth ?? 0) / hoursOfMonth
  const parts: Cost['parts'] = [
    {
      what: spot ? `${size} (as on demand; spot costs less)` : size,
      hourly: list.size.hourly,
      whenStopped: list.stoppedIsBilled,
    },
    ...disks.map(([what, gb]) => ({ what: `${what} ${gb} GB`, hourly: round(gb * perGb), whenStopped: true })),
  ]
  const sum = (some: typeof parts) => round(some.reduce((all, part) => all + part.hourly, 0))
  const hourly = sum(parts)
  const monthly = Math.round(hourly * hoursOfMonth * 100) / 100
  const { source, at } = list.size
  return { hourly, hourlyStopped: sum(parts.filter(part => part.whenStopped)), monthly, parts, source, at, why: null }
}

/** In these there is no machine that costs. */
const unbilled: ReadonlySet<string> = new Set(['planned', 'gone', 'lost'])

/** What it costs an hour in a phase. */
export const hourlyIn = (phase: string, cost: Cost): number | null => {
  if (unbilled.has(phase)) return 0
  return phase === 'stopped' ? cost.hourlyStopped : cost.hourly
}

/** What it has cost so far, by how long each phase lasted. */
export const spentBy = ({ phases }: Pick<SystemRow, 'phases'>, cost: Cost, now: number): number | null => {
  if (cost.hourly === null) return null
  const ends = (n: number): number => Date.parse(phases[n + 1]?.at ?? new Date(now).toISOString())
  const spent = phases.reduce(
    (all, { name, at }, n) => all + (hourlyIn(name, cost) ?? 0) * (Math.max(0, ends(n) - Date.parse(at)) / hourMs),
    0,
  )
  return Math.round(spent * 10_000) / 10_000
}

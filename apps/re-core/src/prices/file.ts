import { readFileSync } from 'node:fs'
import { fieldErrors } from '@re-ops/protocols'
import { ConfigError } from '@re-ops/service'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import shipped from './shipped.json' with { type: 'json' }

const Dollars = Type.Number({ minimum: 0, maximum: 10_000 })
/** Prices of a region in US dollars, true on a day. */
const RegionPrices = Type.Object(
  {
    at: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
    source: Type.String({ minLength: 1, maxLength: 200 }),
    /** An hour, by size. */
    sizes: Type.Record(Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' }), Dollars, {
      additionalProperties: false,
    }),
    /** A GB of disk for a month (730 h). */
    diskGbMonth: Dollars,
  },
  { additionalProperties: false },
)
export type RegionPrices = Static<typeof RegionPrices>
const Regions = Type.Record(Type.String({ pattern: '^(\\*|[a-z0-9][a-z0-9-]{0,62})$' }), RegionPrices, {
  additionalProperties: false,
})

/** Prices that no API tells: by provider and region; `*` is any other region. */
export const PriceFile = Type.Object(
  { ec2: Type.Optional(Regions), digitalocean: Type.Optional(Regions) },
  { additionalProperties: false },
)
export type PriceFile = Static<typeof PriceFile>

export const shippedPrices: PriceFile = shipped

const bytesMax = 4 * 1024 * 1024
const contentOf = (path: string): unknown => {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length > bytesMax) throw new Error(`it is larger than ${bytesMax} bytes`)
    return JSON.parse(text)
  } catch (error) {
    throw new ConfigError([`RECORE_PRICES: ${path}: ${(error as Error).message}`])
  }
}

/** The file that is named, instead of the one that is shipped. Throws ConfigError naming the field. */
export const readPrices = (path: string | undefined): PriceFile => {
  if (path === undefined) return shippedPrices
  const content = contentOf(path)
  const compiled = Compile(PriceFile)
  if (compiled.Check(content)) return content
  const [first = { path: '', message: 'does not fit' }] = fieldErrors(PriceFile, compiled.Errors(content))
  throw new ConfigError([`RECORE_PRICES: ${path}: ${first.path || '/'} ${first.message}`])
}

/** The region's, else those of any other region. */
export const pricesOf = (file: PriceFile, provider: string, region: string): RegionPrices | null => {
  const regions = provider === 'ec2' || provider === 'digitalocean' ? file[provider] : undefined
  return regions?.[region] ?? regions?.['*'] ?? null
}

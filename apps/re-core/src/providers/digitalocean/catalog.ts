import type { AccountInfo, Catalog, Quota } from '@re-ops/protocols'
import { listing, reading, type DoCall } from './client.ts'
import { all } from './pages.ts'

type DoSize = {
  readonly slug: string
  readonly vcpus: number
  readonly memory: number
  readonly disk: number
  readonly price_hourly: number
  readonly regions: readonly string[]
  readonly available: boolean
}
type DoImage = {
  readonly id: number
  readonly slug: string | null
  readonly name: string
  readonly distribution: string
  readonly public: boolean
  readonly regions: readonly string[]
}
type DoRegion = { readonly slug: string; readonly name: string }
type DoAccount = { readonly uuid: string; readonly name?: string; readonly droplet_limit: number }

/** What can be had in the region, at DigitalOcean's own prices of today. */
export const catalog = async (call: DoCall, region: string, signal: AbortSignal): Promise<Catalog> => {
  const sizes = (await all<DoSize>(call, listing, { path: '/sizes', key: 'sizes', by: 'slug' }, signal)).filter(
    one => one.available && one.regions.includes(region),
  )
  const images = await all<DoImage>(call, listing, { path: '/images', key: 'images' }, signal)
  const regions = await all<DoRegion>(call, listing, { path: '/regions', key: 'regions', by: 'slug' }, signal)
  const at = new Date().toISOString().slice(0, 10)
  return {
    sizes: sizes.map(one => ({
      name: one.slug,
      cores: one.vcpus,
      memoryMb: one.memory,
      diskGb: one.disk,
      architecture: 'x86_64',
    })),
    images: images
      .filter(one => one.regions.includes(region))
      .map(one => ({
        name: one.slug ?? String(one.id),
        title: `${one.distribution} ${one.name}`,
        architecture: 'x86_64',
        origin: one.public ? 'provider' : 'own',
      })),
    regions: regions.map(one => ({ name: one.slug, title: one.name, zones: [] })),
    prices: sizes.map(one => ({ size: one.slug, hourly: one.price_hourly, source: 'api.digitalocean.com', at })),
  }
}

const account = async (call: DoCall, signal: AbortSignal): Promise<DoAccount> =>
  (await call(reading, signal, api => api.account.getAccount())).account

export const verify = async (call: DoCall, signal: AbortSignal): Promise<AccountInfo> => {
  const { uuid, name } = await account(call, signal)
  return { id: uuid, name: name ?? null }
}

/** Counted by what a list of one says its length is. */
export const quota = async (call: DoCall, signal: AbortSignal): Promise<Quota[]> => {
  const { droplet_limit } = await account(call, signal)
  const { meta } = await call(listing, signal, api => api.droplet.listDroplets({ page: 1, per_page: 1 }))
  return [{ name: 'droplets', used: meta?.total ?? null, limit: droplet_limit }]
}

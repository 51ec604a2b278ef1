import { ProviderError, type Accepted, type Volume, type VolumeApi } from '@re-ops/protocols'
import { acting, destroying, listing, reading, type CallKind, type DoCall } from './client.ts'
import { dropletOf, numberOf } from './observe.ts'
import { all } from './pages.ts'

type DoVolume = {
  readonly id: string
  readonly name: string
  readonly size_gigabytes: number
  readonly region: { readonly slug: string }
  readonly droplet_ids: readonly number[] | null
}

const volume = (one: DoVolume): Volume => ({
  ref: one.id,
  name: one.name,
  sizeGb: one.size_gigabytes,
  zone: null,
  attachedTo: one.droplet_ids?.[0] === undefined ? null : String(one.droplet_ids[0]),
})
const invalid = (text: string): never => {
  throw new ProviderError('invalid', 'not-applied', text)
}

const seen = async (call: DoCall, ref: string, signal: AbortSignal): Promise<DoVolume | null> => {
  try {
    const found = await call(reading, signal, api => api.volume.getVolume({ volume_id: encodeURIComponent(ref) }))
    return found.volume
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'not-found') return null
    throw error
  }
}
const there = async (call: DoCall, ref: string, signal: AbortSignal): Promise<DoVolume> =>
  (await seen(call, ref, signal)) ?? Promise.reject(new ProviderError('not-found', 'not-applied', `no volume ${ref}`))

const named = async (call: DoCall, region: string, kind: CallKind, name: string | null, signal: AbortSignal) => {
  const query = { region, ...(name === null ? {} : { name }) }
  return all<DoVolume>(call, kind, { path: '/volumes', key: 'volumes', query }, signal)
}

type Asked = Readonly<Record<string, unknown>>
const act = async (call: DoCall, one: DoVolume, asked: Asked, signal: AbortSignal): Promise<Accepted> => {
  const body = { ...asked, region: one.region.slug }
  const { action } = await call(acting, signal, (_api, http) =>
    http.post<{ action: { id: number } }>(`/volumes/${one.id}/actions`, body),
  )
  return { ref: one.id, opRef: String(action.id) }
}

const attach = async (call: DoCall, ref: string, machine: string, signal: AbortSignal): Promise<Accepted> => {
  const droplet_id = numberOf(machine)
  const one = await there(call, ref, signal)
  const holder = one.droplet_ids?.[0]
  if (holder === droplet_id) return { ref }
  if (holder !== undefined)
    throw new ProviderError('busy', 'not-applied', `volume ${one.name} is attached to droplet ${holder}`)
  const droplet = await dropletOf(call, reading, machine, signal)
  if (droplet !== null && droplet.region.slug !== one.region.slug)
    invalid(`volume ${one.name} is in ${one.region.slug}; droplet ${machine} in ${droplet.region.slug}`)
  return act(call, one, { type: 'attach', droplet_id }, signal)
}

/** Block storage of the region. */
export const makeVolumes = (call: DoCall, region: string): VolumeApi => ({
  ensure: async ({ name, sizeGb, zone }, signal) => {
    if (zone !== undefined && zone !== region) invalid(`zone is ${zone}; allowed of provider digitalocean: ${region}`)
    const [found] = await named(call, region, reading, name, signal)
    if (found !== undefined) return volume(found)
    const body = { name, size_gigabytes: sizeGb, region, description: '' }
    const made = await call(acting, signal, (_api, http) => http.post<{ volume: DoVolume }>('/volumes', body))
    return volume(made.volume)
  },
  observe: async (ref, signal) => {
    const one = await seen(call, ref, signal)
    return one === null ? null : volume(one)
  },
  list: async signal => (await named(call, region, listing, null, signal)).map(volume),
  attach: (ref, machine, signal) => attach(call, ref, machine, signal),
  detach: async (ref, signal) => {
    const one = await there(call, ref, signal)
    const droplet_id = one.droplet_ids?.[0]
    return droplet_id === undefined ? { ref } : act(call, one, { type: 'detach', droplet_id }, signal)
  },
  resize: async (ref, sizeGb, signal) => {
    const one = await there(call, ref, signal)
    if (one.size_gigabytes === sizeGb) return { ref }
    if (sizeGb < one.size_gigabytes)
      invalid(`volume ${one.name} has ${one.size_gigabytes} GB; it cannot shrink to ${sizeGb}`)
    return act(call, one, { type: 'resize', size_gigabytes: sizeGb }, signal)
  },
  delete: async (ref, signal) => {
    const one = await seen(call, ref, signal)
    if (one === null) return
    if (one.droplet_ids?.[0] !== undefined)
      throw new ProviderError('busy', 'not-applied', `volume ${one.name} is attached to droplet ${one.droplet_ids[0]}`)
    await call(destroying, signal, api => api.volume.deleteVolume({ volume_id: one.id }))
  },
})

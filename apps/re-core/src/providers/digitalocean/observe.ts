import {
  ProviderError,
  type Address,
  type Identity,
  type Observation,
  type ObservedVm,
  type Power,
} from '@re-ops/protocols'
import { makeBatch } from '../batch.ts'
import { isOf, markKeys, ownerOf, withoutMarks } from '../marks.ts'
import { creatingLook, listing, reading, type CallKind, type DoCall } from './client.ts'
import { expiryOf, pairOf, suffixIn, suffixOf, tagOf } from './marks.ts'
import { all, perPage } from './pages.ts'

/** What we read of a droplet. */
export type Droplet = {
  readonly id: number
  readonly name: string
  readonly status: string
  readonly locked: boolean
  readonly created_at: string
  readonly size_slug: string
  readonly image: { readonly id: number; readonly slug: string | null }
  readonly region: { readonly slug: string }
  readonly volume_ids: readonly string[]
  readonly tags: readonly string[]
  readonly networks: { readonly v4?: readonly Net[]; readonly v6?: readonly Net[] }
}
type Net = { readonly ip_address: string; readonly type: string }

const powers: Readonly<Record<string, Power>> = { new: 'pending', active: 'running', off: 'stopped', archive: 'gone' }

const addressesOf = ({ networks }: Droplet): Address[] =>
  [...(networks.v4 ?? []), ...(networks.v6 ?? [])].map(({ ip_address, type }) => ({
    address: ip_address,
    scope: type === 'private' ? 'private' : 'public',
  }))

export const observed = (droplet: Droplet): ObservedVm => {
  // In order, so that of two expiries (a renewal that broke off) the later one counts.
  const tags = Object.fromEntries(droplet.tags.toSorted().map(pairOf))
  const owner = ownerOf(tags)
  const suffix = suffixIn(droplet.name)
  const expiresAt = expiryOf(tags)
  return {
    ref: String(droplet.id),
    power: powers[droplet.status] ?? 'unknown',
    raw: droplet.status,
    locked: droplet.locked,
    addresses: addressesOf(droplet),
    size: droplet.size_slug,
    image: droplet.image.slug ?? String(droplet.image.id),
    createdAt: new Date(droplet.created_at).toISOString(),
    tags: { name: suffix === null ? droplet.name : droplet.name.slice(0, -suffix.length), ...withoutMarks(tags) },
    lifecycle: 'on-demand',
    ...(owner === null || owner === undefined ? {} : { owner }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

export const numberOf = (ref: string): number => {
  if (!/^\d{1,15}$/.test(ref))
    throw new ProviderError('invalid', 'not-applied', `${ref.slice(0, 64)} is no droplet: a number is`)
  return Number(ref)
}

/** Null when it is not there. */
export const dropletOf = async (
  call: DoCall,
  kind: CallKind,
  ref: string,
  signal: AbortSignal,
): Promise<Droplet | null> => {
  const droplet_id = numberOf(ref)
  try {
    const { droplet } = await call(kind, signal, api => api.droplet.getDroplet({ droplet_id }))
    return droplet as unknown as Droplet
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'not-found') return null
    throw error
  }
}

const droplets = (call: DoCall, kind: CallKind, query: Record<string, string>, signal: AbortSignal) =>
  all<Droplet>(call, kind, { path: '/droplets', key: 'droplets', query }, signal)

/** All of the region; `owned`: those with a mark of re-core. Read whole before the first is given out. */
export async function* list(
  call: DoCall,
  region: string,
  scope: 'owned' | 'all',
  signal: AbortSignal,
): AsyncGenerator<ObservedVm> {
  for (const droplet of await droplets(call, listing, {}, signal)) {
    if (droplet.region.slug !== region) continue
    const isOwned = droplet.tags.some(tag => tag.startsWith(`${markKeys.vmId}:`))
    if (scope === 'all' || isOwned) yield observed(droplet)
  }
}

const batchMax = 200
const batchTimeoutMs = 15_000
/** What one list of so many costs: several pages are read twice. */
const callsOf = (count: number): number => (count <= perPage ? 1 : 2 * Math.ceil(count / perPage))

/** By its name, which it has from the first moment: the oldest one. Names that are looked for at once share a list, if that is cheaper. */
export const makeNamed = (call: DoCall): ((name: string, signal: AbortSignal) => Promise<Droplet | undefined>) => {
  let there = 0
  const ask = async (names: readonly string[]): Promise<Map<string, Droplet>> => {
    const signal = AbortSignal.timeout(batchTimeoutMs)
    const look = (query: Record<string, string>) => droplets(call, creatingLook, query, signal)
    const isShared = names.length > callsOf(there)
    const found = (await Promise.all(isShared ? [look({})] : names.map(name => look({ name })))).flat()
    if (isShared) there = found.length
    return new Map(found.toSorted((a, b) => b.id - a.id).map(one => [one.name, one]))
  }
  return makeBatch({ gatherMs: null, keysMax: batchMax, ask })
}

const ownerOfIdentity = ({ installation, vmId, generation, candidate }: Identity) => ({
  installation,
  vmId,
  generation,
  candidate,
})

/** By tag, and by the end of its name while the tags are not there yet; a renamed one keeps that end. */
export const findByIdentity = async (call: DoCall, identity: Identity, signal: AbortSignal): Promise<ObservedVm[]> => {
  const suffix = suffixOf(identity)
  const byTag = await droplets(call, reading, { tag_name: tagOf(markKeys.vmId, identity.vmId) }, signal)
  const found = byTag.map(observed).filter(vm => isOf(vm, identity))
  if (found.length > 0) return found
  return (await droplets(call, reading, {}, signal))
    .filter(one => one.name.endsWith(suffix))
    .map(one => ({ ...observed(one), owner: ownerOfIdentity(identity) }))
}

const gatherMs = 50
/** From so many on one list is cheaper than a look at each. */
const listFrom = 3

const lookAtAll = async (call: DoCall, refs: readonly string[], signal: AbortSignal): Promise<Map<string, Droplet>> => {
  const found = new Map<string, Droplet>()
  if (refs.length >= listFrom)
    for (const one of await droplets(call, reading, {}, signal)) found.set(String(one.id), one)
  // A list shows a new droplet later than a look at it does.
  for (const ref of refs.filter(one => !found.has(one))) {
    const droplet = await dropletOf(call, reading, ref, signal)
    if (droplet !== null) found.set(ref, droplet)
  }
  return found
}

type MakeAction = { readonly type: string; readonly status: string; readonly resource_id: number | null }

/** 202 is a promise: of a droplet that is not there the account's last actions tell whether it ever was. */
const absence = async (call: DoCall, ref: string, signal: AbortSignal): Promise<'not-found' | 'never-made'> => {
  const { actions } = await call(reading, signal, api => api.action.listActions({ page: 1, per_page: 200 }))
  const failed = (actions as unknown as readonly MakeAction[]).some(
    one => one.type === 'create' && one.status === 'errored' && String(one.resource_id) === ref,
  )
  return failed ? 'never-made' : 'not-found'
}

/** One look at one machine; looks of the same moments are one list. */
export const makeObserve = (call: DoCall): ((ref: string, signal: AbortSignal) => Promise<Observation>) => {
  const look = makeBatch<Droplet>({
    gatherMs,
    keysMax: batchMax,
    ask: refs => lookAtAll(call, refs, AbortSignal.timeout(batchTimeoutMs)),
  })
  return async (ref, signal) => {
    numberOf(ref)
    const droplet = await look(ref, signal)
    if (droplet === undefined) return { state: 'absent', proof: await absence(call, ref, signal) }
    const vm = observed(droplet)
    return vm.power === 'gone' ? { state: 'absent', proof: 'terminal' } : { state: 'present', vm }
  }
}

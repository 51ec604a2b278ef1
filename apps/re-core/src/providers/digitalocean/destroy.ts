import { ProviderError, type Child, type DestroyPlan } from '@re-ops/protocols'
import { destroying, destroyingLook, reading, type CallKind, type DoCall } from './client.ts'
import { isOfOneMachine } from './marks.ts'
import { dropletOf, numberOf, type Droplet } from './observe.ts'
import { all } from './pages.ts'

type ReservedIp = { readonly ip: string; readonly droplet: { readonly id: number } | null }
type Volume = { readonly id: string; readonly tags?: readonly string[] | null }

/** Reserved addresses stand among its public ones, so with one alone there is nothing to ask. */
const reservedOf = async (call: DoCall, kind: CallKind, droplet: Droplet, signal: AbortSignal): Promise<string[]> => {
  if ((droplet.networks.v4 ?? []).filter(one => one.type === 'public').length < 2) return []
  const listing = { path: '/reserved_ips', key: 'reserved_ips', by: 'ip' }
  const ips = await all<ReservedIp>(call, kind, listing, signal)
  return ips.filter(one => one.droplet?.id === droplet.id).map(one => one.ip)
}

/** Its volumes, reserved addresses and the tag objects that it alone carries. Its snapshots are images and stay. */
export const children = async (call: DoCall, ref: string, signal: AbortSignal): Promise<Child[]> => {
  const droplet = await dropletOf(call, reading, ref, signal)
  if (droplet === null) return []
  const child =
    (kind: Child['kind'], costs: boolean) =>
    (one: string): Child => ({
      ref: one,
      kind,
      costs,
      endsWithMachine: false,
    })
  return [
    ...droplet.volume_ids.map(child('disk', true)),
    ...(await reservedOf(call, reading, droplet, signal)).map(child('address', true)),
    ...droplet.tags.filter(isOfOneMachine).map(child('tag', false)),
  ]
}

/** What is gone already is fine. */
export const unlessGone = async (work: Promise<unknown>): Promise<void> => {
  try {
    await work
  } catch (error) {
    if (!(error instanceof ProviderError && error.kind === 'not-found')) throw error
  }
}

const doomedTag = (ref: string): string => `recore:doomed:${ref}`

/** Volumes that shall end with it are marked while they can still be told; whoever comes after a crash finds them. */
const doom = async (call: DoCall, ref: string, volumes: readonly string[], signal: AbortSignal): Promise<void> => {
  if (volumes.length === 0) return
  const tag_name = doomedTag(ref)
  await call(destroying, signal, api => api.tag.createTag({ name: tag_name }))
  const resources = volumes.map(resource_id => ({ resource_id, resource_type: 'volume' }))
  await call(destroying, signal, api => api.tag.tagResources({ tag_name, resources }))
}

const endDoomed = async (call: DoCall, ref: string, signal: AbortSignal): Promise<void> => {
  const tag_name = doomedTag(ref)
  const tag = await call(destroyingLook, signal, api => api.tag.getTag({ tag_name })).catch((error: unknown) => {
    if (error instanceof ProviderError && error.kind === 'not-found') return null
    throw error
  })
  if (tag === null) return
  const volumes = await all<Volume>(call, destroyingLook, { path: '/volumes', key: 'volumes' }, signal)
  for (const one of volumes.filter(({ tags }) => tags?.includes(tag_name)))
    await unlessGone(call(destroying, signal, api => api.volume.deleteVolume({ volume_id: one.id })))
  await unlessGone(call(destroying, signal, api => api.tag.deleteTag({ tag_name })))
}

/**
 * The droplet and what exists because of it. A droplet with something under way refuses (`busy`): whoever asks comes
 * back. Absent is ok, and what an earlier destroy left half done is ended.
 */
export const destroy = async (call: DoCall, ref: string, plan: DestroyPlan, signal: AbortSignal): Promise<void> => {
  const droplet_id = numberOf(ref)
  const droplet = await dropletOf(call, destroyingLook, ref, signal)
  if (droplet === null) return endDoomed(call, ref, signal)
  const goes = (one: string) => !plan.keep.includes(one)
  const volumes = droplet.volume_ids.filter(goes)
  await doom(call, ref, volumes, signal)
  for (const ip of (await reservedOf(call, destroyingLook, droplet, signal)).filter(goes))
    await unlessGone(call(destroying, signal, (_api, http) => http.delete(`/reserved_ips/${ip}`)))
  // Before the droplet: of one that is gone nobody can say any more which tags were its own, and whoever comes after a
  // crash would leave them behind. It is still found by its id, and by the end of its name.
  if (!droplet.locked)
    for (const tag_name of droplet.tags.filter(isOfOneMachine).filter(goes))
      await unlessGone(call(destroying, signal, api => api.tag.deleteTag({ tag_name })))
  await unlessGone(call(destroying, signal, api => api.droplet.deleteDroplet({ droplet_id })))
  if (volumes.length > 0) await endDoomed(call, ref, signal)
}

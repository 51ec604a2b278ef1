import type { Domain, Libvirt, Volume } from '@re-ops/node-libvirt'
import { find, parseXml } from '@re-ops/node-libvirt/xml'
import { ProviderError, type Child, type DestroyPlan } from '@re-ops/protocols'
import { unless } from './errors.ts'
import { volumeNames } from './machine-xml.ts'
import { domainOf, marksOf } from './observe.ts'
import { point, within, type KvmDeps } from './start.ts'

/** Disks of its definition that are volumes of pools; the reference of each is `pool/name`. */
const volumesOf = async (libvirt: Libvirt, dom: Domain, signal: AbortSignal): Promise<Volume[]> => {
  const xml = parseXml(await libvirt.domains.xml(dom, { inactive: true, ...within(signal) }))
  const sources = find(xml, 'devices', 'disk', 'source')
  const found: Volume[] = []
  for (const { attributes } of sources) {
    const { pool: poolName, volume: name } = attributes
    if (poolName === undefined || name === undefined) continue
    const pool = await unless(libvirt.pools.byName(poolName, within(signal)), 'no-pool')
    const volume = pool && (await unless(libvirt.volumes.byName(pool, name, within(signal)), 'no-volume'))
    if (volume !== null) found.push(volume)
  }
  return found
}
const refOf = ({ pool, name }: Volume) => `${pool}/${name}`

export const children = async (libvirt: Libvirt, ref: string, signal: AbortSignal): Promise<Child[]> => {
  const dom = await domainOf(libvirt, ref, signal)
  if (dom === null) return []
  return (await volumesOf(libvirt, dom, signal)).map(volume => ({
    ref: refOf(volume),
    kind: volume.name === volumeNames(ref).seed ? 'seed' : 'disk',
    costs: volume.name !== volumeNames(ref).seed,
    endsWithMachine: false,
  }))
}

/** Power first, then disks, the definition last: until it goes, the machine is found and this can be done again. */
export const destroy = async (
  deps: KvmDeps,
  libvirt: Libvirt,
  ref: string,
  plan: DestroyPlan,
  signal: AbortSignal,
): Promise<void> => {
  const { domains, volumes } = libvirt
  const dom = await domainOf(libvirt, ref, signal)
  if (dom === null) return
  if ((await marksOf(libvirt, dom, signal))?.protected === true)
    throw new ProviderError('protected', 'not-applied', `${ref} is protected; take the protection away first`)
  await point(deps, 'destroy.begin', ref)
  await unless(domains.destroy(dom, within(signal)), 'operation-invalid', 'no-domain')
  await point(deps, 'destroy.stopped', ref)
  const doomed = await unless(volumesOf(libvirt, dom, signal), 'no-domain')
  for (const volume of doomed ?? []) {
    if (plan.keep.includes(refOf(volume))) continue
    await unless(volumes.delete(volume, within(signal)), 'no-volume')
    await point(deps, 'destroy.volume', ref)
  }
  const saved = { managedSave: true, snapshotsMetadata: true }
  await unless(domains.undefine(dom, { ...saved, ...within(signal) }), 'no-domain')
  await point(deps, 'destroy.undefined', ref)
}

import type { Domain, Libvirt } from '@re-ops/node-libvirt'
import { element, parseXml, writeXml, type Element } from '@re-ops/node-libvirt/xml'
import { ProviderError, type Action, type Identity } from '@re-ops/protocols'
import { unless } from './errors.ts'
import { marksNamespace, marksPrefix, ownerOf, writeMarks, type Marks } from './marks.ts'
import { domainOf, marksOf, sizeSeen } from './observe.ts'
import { volumeNames } from './machine-xml.ts'
import { kvmDefaults, refuseShrink, sizeOf, type KvmSettings } from './settings.ts'
import { point, start, within, type KvmDeps } from './start.ts'

export type ActContext = { readonly deps: KvmDeps; readonly libvirt: Libvirt; readonly settings: KvmSettings }

/** Does what is asked of one machine. All but a reboot come to the same when sent twice. */
export const act = async (context: ActContext, ref: string, action: Action, signal: AbortSignal): Promise<void> => {
  const { deps, libvirt } = context
  const dom = await domainOf(libvirt, ref, signal)
  if (dom === null) throw new ProviderError('not-found', 'not-applied', `libvirt has no machine ${ref}`)
  await point(deps, `${action.kind}.before`, ref)
  await done(context, dom, action, signal)
  await point(deps, `${action.kind}.after`, ref)
}

const done = async (context: ActContext, dom: Domain, action: Action, signal: AbortSignal): Promise<void> => {
  const { deps, libvirt } = context
  const { domains } = libvirt
  switch (action.kind) {
    case 'start':
      return start(deps, libvirt, dom, signal)
    case 'stop': {
      const stopped = action.force ? domains.destroy(dom, within(signal)) : domains.shutdown(dom, within(signal))
      return void (await unless(stopped, 'operation-invalid'))
    }
    case 'reboot':
      return action.force ? domains.reset(dom, within(signal)) : domains.reboot(dom, within(signal))
    case 'resize':
      return resize(context, dom, action.size, signal)
    case 'rename':
      return dom.name === action.name ? undefined : domains.rename(dom, action.name, within(signal))
    case 'setTags':
      return change(libvirt, dom, ({ tags }) => ({ tags: changed(tags, action.tags) }), signal)
    case 'setExpiry':
      return change(libvirt, dom, () => ({ expiresAt: action.expiresAt }), signal)
    case 'setOwner':
      return action.owner === null ? mark(libvirt, dom, null, signal) : take(context, dom, action.owner, signal)
    case 'setProtection':
      return change(libvirt, dom, () => ({ protected: action.protected }), signal)
  }
}

const changed = (tags: Marks['tags'], by: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ ...tags, ...by }).flatMap(([key, value]) => (value === null ? [] : [[key, value]])),
  )

/** Both what runs and what is written down. */
const change = async (
  libvirt: Libvirt,
  dom: Domain,
  by: (marks: Marks) => Partial<Marks>,
  signal: AbortSignal,
): Promise<void> => {
  const marks = await marksOf(libvirt, dom, signal)
  if (marks === null)
    throw new ProviderError('unsupported', 'not-applied', `${dom.uuid} carries no marks of re-ops; import it first`)
  await mark(libvirt, dom, { ...marks, ...by(marks) }, signal)
}

/** Null takes the marks away. */
const mark = async (libvirt: Libvirt, dom: Domain, marks: Marks | null, signal: AbortSignal): Promise<void> => {
  const { state } = await libvirt.domains.state(dom, within(signal))
  const affects = { config: true, live: state !== 'shutoff' && state !== 'crashed' }
  const how = { uri: marksNamespace, ...affects, ...within(signal) }
  const { setMetadata } = libvirt.domains
  if (marks === null) await unless(setMetadata(dom, 'element', null, how), 'no-metadata')
  else await setMetadata(dom, 'element', writeMarks(marks), { ...how, key: marksPrefix })
}

/** No request of ours made it: none has this digest. */
const importedDigest = 'imported'
/** Marks a machine that somebody else made. */
const take = async (
  { deps, libvirt, settings }: ActContext,
  dom: Domain,
  owner: Identity,
  signal: AbortSignal,
): Promise<void> => {
  const there = await marksOf(libvirt, dom, signal)
  const size = sizeSeen(settings, there?.size ?? '', await libvirt.domains.info(dom, within(signal)))
  const createdAt = new Date(deps.now()).toISOString()
  const found = { digest: importedDigest, createdAt, size, image: '', protected: false, expiresAt: null, tags: {} }
  await mark(libvirt, dom, { ...found, ...there, owner: ownerOf(owner) }, signal)
}

const replaced = (machine: Element, by: Readonly<Record<string, Element>>): Element => ({
  ...machine,
  children: machine.children.map(child => (typeof child === 'string' ? child : (by[child.name] ?? child))),
})

/** One new definition with all that changes in it; the disk first, since it may only grow. */
const resize = async ({ libvirt, settings }: ActContext, dom: Domain, name: string, signal: AbortSignal) => {
  const size = sizeOf(settings, name)
  const { state } = await libvirt.domains.state(dom, within(signal))
  if (state !== 'shutoff')
    throw new ProviderError('busy', 'not-applied', `${dom.uuid} is ${state}; its size changes while it is stopped`)
  refuseShrink(settings, (await marksOf(libvirt, dom, signal))?.size ?? name, name)
  await growDisk(libvirt, dom, { poolName: settings.pool ?? kvmDefaults.pool, diskGb: size.diskGb }, signal)
  const xml = await libvirt.domains.xml(dom, { inactive: true, secure: true, ...within(signal) })
  const memory = element('memory', { unit: 'MiB' }, size.memoryMb)
  const by = { memory, currentMemory: { ...memory, name: 'currentMemory' }, vcpu: element('vcpu', {}, size.cores) }
  await libvirt.domains.define(writeXml(replaced(parseXml(xml), by)), within(signal))
  await change(libvirt, dom, () => ({ size: name }), signal)
}

const bytesPerGb = 2 ** 30
/** Its disk grows with the size; one that is larger already stays as it is. */
const growDisk = async (
  libvirt: Libvirt,
  dom: Domain,
  { poolName, diskGb }: { readonly poolName: string; readonly diskGb: number },
  signal: AbortSignal,
): Promise<void> => {
  const pool = await unless(libvirt.pools.byName(poolName, within(signal)), 'no-pool')
  const { disk: name } = volumeNames(dom.uuid)
  const disk = pool && (await unless(libvirt.volumes.byName(pool, name, within(signal)), 'no-volume'))
  if (disk === null) return
  const { capacityBytes } = await libvirt.volumes.info(disk, within(signal))
  const wanted = diskGb * bytesPerGb
  // libvirt's test driver keeps no contents to grow.
  if (capacityBytes < wanted) await unless(libvirt.volumes.resize(disk, wanted, within(signal)), 'no-support')
}

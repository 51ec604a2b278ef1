import type { Domain, DomainInfo, DomainState, Libvirt } from '@re-ops/node-libvirt'
import { ProviderError, type Address, type Observation, type ObservedVm, type Power } from '@re-ops/protocols'
import { unless } from './errors.ts'
import { marksNamespace, readMarks, type Marks } from './marks.ts'
import { sizesOf, type KvmSettings } from './settings.ts'
import { within, type KvmDeps } from './start.ts'

/** What machines are looked at with: sizes have their names in the account's settings. */
export type KvmEyes = KvmDeps & { readonly settings: KvmSettings }

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** libvirt names a machine by its UUID for good; everything else may change. */
export const checkRef = (ref: string): void => {
  if (!uuidForm.test(ref))
    throw new ProviderError('invalid', 'not-applied', `${ref.slice(0, 64)} is no machine of libvirt's: a UUID is`)
}

export const domainOf = async (libvirt: Libvirt, ref: string, signal: AbortSignal): Promise<Domain | null> => {
  checkRef(ref)
  return unless(libvirt.domains.byUuid(ref, within(signal)), 'no-domain')
}

/** Null: it is not ours, or it has gone since. */
export const marksOf = async (libvirt: Libvirt, dom: Domain, signal: AbortSignal): Promise<Marks | null> => {
  const asked = libvirt.domains.metadata(dom, 'element', { uri: marksNamespace, of: 'config', ...within(signal) })
  const xml = await unless(asked, 'no-metadata', 'no-domain')
  return xml === null ? null : readMarks(xml)
}

const powers: Readonly<Record<DomainState, Power>> = {
  'no-state': 'unknown',
  running: 'running',
  blocked: 'running',
  paused: 'suspended',
  shutdown: 'stopping',
  shutoff: 'stopped',
  crashed: 'failed',
  suspended: 'suspended',
  unknown: 'unknown',
}

/** From libvirt's own DHCP; a network that is not libvirt's, or a guest that has none yet, gives none. */
const addressesOf = async (libvirt: Libvirt, dom: Domain, signal: AbortSignal): Promise<Address[]> => {
  const asked = libvirt.domains.addresses(dom, 'lease', within(signal))
  const found = await unless(
    asked,
    'operation-invalid',
    'no-domain',
    'no-support',
    'argument-unsupported',
    'no-network',
  )
  return (found ?? []).flatMap(one => one.addresses.map(({ address }) => ({ address, scope: 'private' as const })))
}

const kibPerMib = 1_024
/**
 * The size by what the machine really has: that of its marks while it fits, else another of the account's that does, else
 * in numbers. One whose name means nothing here any more is believed.
 */
export const sizeSeen = (settings: KvmSettings, marked: string, info: DomainInfo): string => {
  const sizes = sizesOf(settings)
  const fits = (name: string) =>
    sizes[name]?.cores === info.vcpus && sizes[name].memoryMb * kibPerMib === info.memoryMaxKiB
  if (marked !== '' && (!Object.hasOwn(sizes, marked) || fits(marked))) return marked
  const memoryMb = Math.round(info.memoryMaxKiB / kibPerMib)
  return Object.keys(sizes).find(fits) ?? `${info.vcpus}-cores-${memoryMb}-mb`
}

/** Null: it has gone since. */
const seen = async (deps: KvmEyes, libvirt: Libvirt, dom: Domain, signal: AbortSignal): Promise<ObservedVm | null> => {
  const state = await unless(libvirt.domains.info(dom, within(signal)), 'no-domain')
  if (state === null) return null
  const marks = await marksOf(libvirt, dom, signal)
  // Started for a test without an operating system: that is as far as it goes.
  const power = deps.paused === true && state.state === 'paused' ? 'running' : powers[state.state]
  return {
    ref: dom.uuid,
    power,
    raw: state.state,
    locked: false,
    addresses: power === 'running' ? await addressesOf(libvirt, dom, signal) : [],
    size: sizeSeen(deps.settings, marks?.size ?? '', state),
    ...(marks === null ? {} : { image: marks.image, owner: marks.owner, protected: marks.protected }),
    ...(marks !== null && marks.expiresAt !== null ? { expiresAt: marks.expiresAt } : {}),
    createdAt: marks?.createdAt ?? new Date(0).toISOString(),
    tags: { ...marks?.tags, ...(marks === null ? { name: dom.name } : {}) },
    lifecycle: 'on-demand',
  }
}

export const observe = async (
  deps: KvmEyes,
  libvirt: Libvirt,
  ref: string,
  signal: AbortSignal,
): Promise<Observation> => {
  const dom = await domainOf(libvirt, ref, signal)
  const vm = dom === null ? null : await seen(deps, libvirt, dom, signal)
  return vm === null ? { state: 'absent', proof: 'not-found' } : { state: 'present', vm }
}

/** libvirt answers all of them at once, or fails. */
export async function* list(
  deps: KvmEyes,
  libvirt: Libvirt,
  scope: 'owned' | 'all',
  signal: AbortSignal,
): AsyncGenerator<ObservedVm> {
  for (const dom of await libvirt.domains.list(within(signal))) {
    const vm = await seen(deps, libvirt, dom, signal)
    if (vm !== null && (scope === 'all' || vm.owner !== undefined)) yield vm
  }
}

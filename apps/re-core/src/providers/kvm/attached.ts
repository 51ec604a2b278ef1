import type { Domain, Libvirt, Pool, Volume } from '@re-ops/node-libvirt'
import { find, parseXml, writeXml, element, type Element } from '@re-ops/node-libvirt/xml'
import { isLibvirtError } from '@re-ops/node-libvirt'
import { ProviderError } from '@re-ops/protocols'
import { unless } from './errors.ts'
import { within } from './start.ts'

/** A volume in a machine: in what runs, in what is written down for its next start, or both. */
export type Held = {
  readonly dom: Domain
  readonly target: string
  readonly live: boolean
  readonly config: boolean
}

const disksIn = (xml: string): Element[] => [...find(parseXml(xml), 'devices', 'disk')]
const sourceOf = (disk: Element, pool: string): string | undefined => {
  const [source] = find(disk, 'source')
  return source?.attributes['pool'] === pool ? source.attributes['volume'] : undefined
}
const targetOf = (disk: Element): string => find(disk, 'target')[0]?.attributes['dev'] ?? ''

/** Disks of a machine as it runs (none when it does not) and as it is written down. */
export const disksOf = async (libvirt: Libvirt, dom: Domain, signal: AbortSignal) => {
  const { domains } = libvirt
  const read = async (inactive: boolean) => {
    const xml = await unless(domains.xml(dom, { inactive, ...within(signal) }), 'no-domain')
    return xml === null ? [] : disksIn(xml)
  }
  const state = await unless(domains.state(dom, within(signal)), 'no-domain')
  const runs = state !== null && state.state !== 'shutoff' && state.state !== 'crashed'
  return { runs, live: runs ? await read(false) : [], config: await read(true) }
}

/** Who has the volumes of a pool, by their names. libvirt keeps no such list: every machine is looked at. */
export const holders = async (libvirt: Libvirt, pool: string, signal: AbortSignal): Promise<Map<string, Held>> => {
  const found = new Map<string, Held>()
  for (const dom of await libvirt.domains.list(within(signal))) {
    const { live, config } = await disksOf(libvirt, dom, signal)
    const note = (disks: readonly Element[], where: { readonly live: true } | { readonly config: true }) => {
      for (const disk of disks) {
        const name = sourceOf(disk, pool)
        if (name !== undefined)
          found.set(name, { dom, target: targetOf(disk), live: false, config: false, ...found.get(name), ...where })
      }
    }
    note(config, { config: true })
    note(live, { live: true })
  }
  return found
}

const letters = Array.from('cdefghijklmnopqrstuvwxyz')
/** The guest's name for it may be another; the first two are its disk and its seed. */
export const freeTarget = (disks: readonly Element[]): string => {
  const taken = new Set(disks.map(targetOf))
  const free = letters.find(letter => !taken.has(`vd${letter}`))
  if (free !== undefined) return `vd${free}`
  throw new ProviderError('invalid', 'not-applied', `the machine has ${letters.length} volumes; no more`)
}

/** The guest finds it as /dev/disk/by-id/virtio-SERIAL, at most 20 characters. */
const serialMax = 20
export const diskElement = (pool: Pool, { name }: Pick<Volume, 'name'>, target: string, serial: string): Element =>
  element(
    'disk',
    { type: 'volume', device: 'disk' },
    element('driver', { name: 'qemu', type: 'qcow2' }),
    element('source', { pool: pool.name, volume: name }),
    element('target', { dev: target, bus: 'virtio' }),
    element('serial', {}, serial.slice(0, serialMax)),
  )

type Change = { readonly what: 'attach' | 'detach'; readonly disk: Element }

/** In the definition alone: it counts from the next start. */
const redefine = async (libvirt: Libvirt, dom: Domain, { what, disk }: Change, signal: AbortSignal): Promise<void> => {
  const xml = await libvirt.domains.xml(dom, { inactive: true, secure: true, ...within(signal) })
  const machine = parseXml(xml)
  const target = targetOf(disk)
  const changed = (devices: Element): Element => ({
    ...devices,
    children:
      what === 'attach'
        ? [...devices.children, disk]
        : devices.children.filter(one => typeof one === 'string' || one.name !== 'disk' || targetOf(one) !== target),
  })
  const children = machine.children.map(one => (typeof one === 'string' || one.name !== 'devices' ? one : changed(one)))
  await libvirt.domains.define(writeXml({ ...machine, children }), within(signal))
}

const noSlot = /no more available pci slots/i
/** In the machine that runs too, where its driver can do that and it has a slot left; else from its next start on. */
export const changeDisk = async (
  libvirt: Libvirt,
  dom: Domain,
  change: Change & { readonly live: boolean; readonly config: boolean },
  signal: AbortSignal,
): Promise<void> => {
  const { what, disk, live, config } = change
  const ask = (flags: { readonly live: boolean; readonly config: boolean }) =>
    libvirt.domains[what](dom, writeXml(disk), { ...flags, ...within(signal) })
  try {
    await ask({ live, config })
    return
  } catch (error) {
    if (isLibvirtError(error, 'no-support')) return redefine(libvirt, dom, change, signal)
    if (!isLibvirtError(error) || !live || !config || !noSlot.test(error.message)) throw error
  }
  await ask({ live: false, config })
}

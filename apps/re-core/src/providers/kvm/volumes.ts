import type { Libvirt, Pool, Volume as LibvirtVolume } from '@re-ops/node-libvirt'
import { element, writeXml } from '@re-ops/node-libvirt/xml'
import { ProviderError, type Accepted, type Volume, type VolumeApi } from '@re-ops/protocols'
import { changeDisk, diskElement, disksOf, freeTarget, holders, type Held } from './attached.ts'
import { told, unless } from './errors.ts'
import { domainOf } from './observe.ts'
import { within } from './start.ts'

const bytesPerGb = 2 ** 30
const [before, behind] = ['re-ops-volume-', '.qcow2']
/** By its file a volume is known as ours: libvirt keeps nothing else with it. */
const fileOf = (name: string): string => `${before}${name}${behind}`
const nameOf = (file: string): string | null =>
  file.startsWith(before) && file.endsWith(behind) ? file.slice(before.length, -behind.length) : null
const refOf = ({ pool, name }: LibvirtVolume): string => `${pool}/${name}`
const fileIn = (ref: string): string => ref.slice(ref.indexOf('/') + 1)

const refuse = (kind: 'invalid' | 'busy' | 'not-found', text: string): never => {
  throw new ProviderError(kind, 'not-applied', text)
}

export type KvmVolumeDeps = { readonly libvirt: () => Libvirt; readonly pool: string }
type Context = { readonly libvirt: Libvirt; readonly pool: Pool; readonly signal: AbortSignal }

const view = async (
  { libvirt, signal }: Context,
  volume: LibvirtVolume,
  held: Held | undefined,
): Promise<Volume | null> => {
  const info = await unless(libvirt.volumes.info(volume, within(signal)), 'no-volume')
  if (info === null) return null
  const sizeGb = Math.ceil(info.capacityBytes / bytesPerGb)
  const name = nameOf(volume.name) ?? volume.name
  return { ref: refOf(volume), name, sizeGb, zone: null, attachedTo: held?.dom.uuid ?? null }
}

const byFile = ({ libvirt, pool, signal }: Context, file: string): Promise<LibvirtVolume | null> =>
  unless(libvirt.volumes.byName(pool, file, within(signal)), 'no-volume')

/** The volume and who has it. Throws `not-found`. */
const there = async (context: Context, ref: string) => {
  const { libvirt, pool, signal } = context
  const volume = (await byFile(context, fileIn(ref))) ?? refuse('not-found', `libvirt has no volume ${ref}`)
  return { volume, held: (await holders(libvirt, pool.name, signal)).get(volume.name) }
}

const xmlOf = (file: string, sizeGb: number): string =>
  writeXml(
    element(
      'volume',
      {},
      element('name', {}, file),
      element('capacity', { unit: 'GiB' }, sizeGb),
      element('target', {}, element('format', { type: 'qcow2' }), element('compat', {}, '1.1')),
    ),
  )

const ensure = async (
  context: Context,
  { name, sizeGb, zone }: Parameters<VolumeApi['ensure']>[0],
): Promise<Volume> => {
  const { libvirt, pool, signal } = context
  if (zone !== undefined) refuse('invalid', `zone is ${zone}; provider kvm has none`)
  const made = async (): Promise<LibvirtVolume> => {
    try {
      return await libvirt.volumes.create(pool, xmlOf(fileOf(name), sizeGb), within(signal))
    } catch (error) {
      // Somebody else may have made it meanwhile; drivers have different numbers for that.
      const raced = await byFile(context, fileOf(name))
      if (raced === null) throw error
      return raced
    }
  }
  const volume = (await byFile(context, fileOf(name))) ?? (await made())
  const held = (await holders(libvirt, pool.name, signal)).get(volume.name)
  return (await view(context, volume, held)) ?? refuse('not-found', `volume ${name} was deleted meanwhile`)
}

const attach = async (context: Context, ref: string, machine: string): Promise<Accepted> => {
  const { libvirt, pool, signal } = context
  const { volume, held } = await there(context, ref)
  if (held !== undefined && held.dom.uuid !== machine) refuse('busy', `volume ${ref} is attached to ${held.dom.uuid}`)
  if (held?.config === true) return { ref }
  const dom = (await domainOf(libvirt, machine, signal)) ?? refuse('not-found', `libvirt has no machine ${machine}`)
  const { runs, live, config } = await disksOf(libvirt, dom, signal)
  const target = held?.target ?? freeTarget([...live, ...config])
  const disk = diskElement(pool, volume, target, nameOf(volume.name) ?? '')
  await changeDisk(libvirt, dom, { what: 'attach', disk, live: runs && held === undefined, config: true }, signal)
  return { ref }
}

const op = 'detach'
/** The guest has to let go of it; until then it is in the machine that runs. */
const detach = async (context: Context, ref: string): Promise<Accepted> => {
  const { libvirt, pool, signal } = context
  const { volume, held } = await there(context, ref)
  if (held === undefined) return { ref }
  const disk = diskElement(pool, volume, held.target, nameOf(volume.name) ?? '')
  const { live, config } = held
  const asked = changeDisk(libvirt, held.dom, { what: 'detach', disk, live, config }, signal)
  // Asked before, and not let go of yet.
  await (config ? asked : unless(asked, 'operation-failed', 'internal-error'))
  return live ? { ref, opRef: `${op} ${ref}` } : { ref }
}

const resize = async (context: Context, ref: string, sizeGb: number): Promise<Accepted> => {
  const { libvirt, signal } = context
  const { volume, held } = await there(context, ref)
  const { capacityBytes } = await libvirt.volumes.info(volume, within(signal))
  const wanted = sizeGb * bytesPerGb
  if (wanted < capacityBytes)
    refuse('invalid', `volume ${ref} has ${Math.ceil(capacityBytes / bytesPerGb)} GB; it cannot shrink to ${sizeGb}`)
  if (wanted === capacityBytes) return { ref }
  if (held?.live === true) await libvirt.domains.blockResize(held.dom, held.target, wanted, within(signal))
  else await libvirt.volumes.resize(volume, wanted, within(signal))
  return { ref }
}

/** Volumes of the account's pool that re-ops made. */
export const makeVolumes = ({ libvirt: open, pool: poolName }: KvmVolumeDeps): VolumeApi => {
  const asked = async <T>(mutates: boolean, signal: AbortSignal, work: (context: Context) => Promise<T>): Promise<T> =>
    told(mutates, async () => {
      const libvirt = open()
      return work({ libvirt, pool: await libvirt.pools.byName(poolName, within(signal)), signal })
    })
  return {
    ensure: (spec, signal) => asked(true, signal, context => ensure(context, spec)),
    observe: (ref, signal) =>
      asked(false, signal, async context => {
        const volume = await byFile(context, fileIn(ref))
        if (volume === null) return null
        const held = (await holders(context.libvirt, poolName, signal)).get(volume.name)
        return view(context, volume, held)
      }),
    list: signal =>
      asked(false, signal, async context => {
        const all = await context.libvirt.volumes.list(context.pool, within(signal))
        const own = all.filter(one => nameOf(one.name) !== null)
        const held = own.length === 0 ? new Map<string, Held>() : await holders(context.libvirt, poolName, signal)
        const found = await Promise.all(own.map(one => view(context, one, held.get(one.name))))
        return found.flatMap(one => one ?? [])
      }),
    attach: (ref, machine, signal) => asked(true, signal, context => attach(context, ref, machine)),
    detach: (ref, signal) => asked(true, signal, context => detach(context, ref)),
    resize: (ref, sizeGb, signal) => asked(true, signal, context => resize(context, ref, sizeGb)),
    delete: (ref, signal) =>
      asked(true, signal, async context => {
        const volume = await byFile(context, fileIn(ref))
        if (volume === null) return
        const held = (await holders(context.libvirt, poolName, signal)).get(volume.name)
        if (held !== undefined) refuse('busy', `volume ${ref} is attached to ${held.dom.uuid}`)
        await unless(context.libvirt.volumes.delete(volume, within(signal)), 'no-volume')
      }),
  }
}

/** Whether what a machine was asked to let go of is still in it. */
export const pollVolume = async (
  { libvirt: open, pool }: KvmVolumeDeps,
  opRef: string,
  signal: AbortSignal,
): Promise<'running' | 'done'> =>
  told(false, async () => {
    const held = (await holders(open(), pool, signal)).get(fileIn(opRef.slice(op.length + 1)))
    return held?.live === true ? 'running' : 'done'
  })

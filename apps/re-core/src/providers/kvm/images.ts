import type { Libvirt, Pool, Volume } from '@re-ops/node-libvirt'
import { element, find, parseXml, textOf, writeXml } from '@re-ops/node-libvirt/xml'
import { isLibvirtError } from '@re-ops/node-libvirt'
import { ProviderError, type ImageApi, type Snapshot } from '@re-ops/protocols'
import { told, unless } from './errors.ts'
import { volumeNames } from './machine-xml.ts'
import { domainOf, marksOf } from './observe.ts'
import { parseSnapshotRef, snapshotRef } from './snapshot-ref.ts'
import { within } from './start.ts'

const bytesPerGb = 2 ** 30
const [before, behind, ready] = ['re-ops-image-', '.qcow2', '.ready']
/** Its name at the provider and the image that its machine was made of, in the file's name: libvirt keeps nothing else. */
const fileOf = (name: string, base: string): string => `${before}${name}@${base}${behind}`
const partsOf = (file: string): { readonly name: string; readonly base: string } | null => {
  if (!file.startsWith(before) || !file.endsWith(behind)) return null
  const [name, base] = file.slice(before.length, -behind.length).split('@')
  return name === undefined || base === undefined ? null : { name, base }
}

/** A copy takes as long as the disk is large. */
const copyMs = 3_600_000
/** A file that nobody has written to for so long, and whose end nobody has marked, was left by a process that died. */
const staleMs = 30_000

export type KvmImageDeps = { readonly libvirt: () => Libvirt; readonly pool: string; readonly now: () => number }
type Context = {
  readonly libvirt: Libvirt
  readonly pool: Pool
  readonly path: string
  readonly now: () => number
  readonly signal: AbortSignal
}

const refuse = (kind: 'busy' | 'not-found' | 'unsupported', text: string): never => {
  throw new ProviderError(kind, 'not-applied', text)
}

const byFile = ({ libvirt, pool, signal }: Context, file: string): Promise<Volume | null> =>
  unless(libvirt.volumes.byName(pool, file, within(signal)), 'no-volume')

/** Its size and when it was last written to (ms since 1970); null while its file is not there (yet). */
const fileInfo = async ({ libvirt, signal }: Context, volume: Volume) => {
  const info = await unless(libvirt.volumes.info(volume, within(signal)), 'no-volume', 'operation-invalid')
  const text = await unless(libvirt.volumes.xml(volume, within(signal)), 'no-volume', 'operation-invalid')
  if (info === null || text === null) return null
  const [written] = find(parseXml(text), 'target', 'timestamps', 'mtime')
  const writtenAt = written === undefined ? 0 : Math.floor(Number(textOf(written)) * 1_000)
  return { sizeGb: Math.ceil(info.capacityBytes / bytesPerGb), writtenAt }
}

/** While it is copied libvirt shows a file that is not there, or one that grows: only its mark says that it is whole. */
const look = async (context: Context, volume: Volume): Promise<Snapshot> => {
  const { path, now } = context
  const isReady = (await byFile(context, `${volume.name}${ready}`)) !== null
  const info = await fileInfo(context, volume)
  const { name, base } = partsOf(volume.name) ?? { name: '', base: '' }
  const sizeGb = isReady ? (info?.sizeGb ?? null) : null
  const isStale = info !== null && now() > info.writtenAt + staleMs
  return {
    ref: snapshotRef({ path: `${path}/${volume.name}`, base, diskGb: sizeGb ?? 0 }),
    name,
    state: isReady ? 'ready' : isStale ? 'failed' : 'pending',
    sizeGb,
    createdAt: new Date(info?.writtenAt ?? now()).toISOString(),
  }
}

const listed = async (context: Context): Promise<Volume[]> =>
  (await context.libvirt.volumes.list(context.pool, within(context.signal))).filter(one => partsOf(one.name) !== null)

const fileIn = (ref: string): string => parseSnapshotRef(ref)?.path.split('/').at(-1) ?? ''

/** The machine's disk, when nothing can write to it. Throws `busy`. */
const sourceOf = async (context: Context, machine: string): Promise<{ disk: Volume; base: string }> => {
  const { libvirt, signal } = context
  const dom = (await domainOf(libvirt, machine, signal)) ?? refuse('not-found', `libvirt has no machine ${machine}`)
  const { state } = await libvirt.domains.state(dom, within(signal))
  if (state !== 'shutoff') refuse('busy', `${machine} is ${state}; its disk is copied while it is stopped`)
  const image = (await marksOf(libvirt, dom, signal))?.image
  if (image === undefined) return refuse('unsupported', `${machine} carries no marks of re-ops; adopt it first`)
  const disk =
    (await byFile(context, volumeNames(machine).disk)) ?? refuse('not-found', `${machine} has no disk in the pool`)
  return { disk, base: parseSnapshotRef(image)?.base ?? image }
}

const copyXml = (file: string, capacityBytes: number): string =>
  writeXml(
    element(
      'volume',
      {},
      element('name', {}, file),
      element('capacity', { unit: 'bytes' }, capacityBytes),
      element('target', {}, element('format', { type: 'qcow2' }), element('compat', {}, '1.1')),
    ),
  )
const markXml = (file: string): string =>
  writeXml(
    element(
      'volume',
      {},
      element('name', {}, `${file}${ready}`),
      element('capacity', { unit: 'bytes' }, 1),
      element('target', {}, element('format', { type: 'raw' })),
    ),
  )

/** libvirt goes on with a copy whoever is gone; that it came to its end is written down by whoever saw it. */
const copy = async ({ libvirt, pool }: Context, file: string, disk: Volume, capacityBytes: number): Promise<void> => {
  await libvirt.volumes.clone(pool, copyXml(file, capacityBytes), disk, { timeoutMs: copyMs })
  await unless(libvirt.volumes.create(pool, markXml(file)), 'volume-exists')
}

const remove = async (context: Context, file: string): Promise<void> => {
  const { libvirt, signal } = context
  for (const name of [`${file}${ready}`, file]) {
    const volume = await byFile(context, name)
    if (volume !== null) await unless(libvirt.volumes.delete(volume, within(signal)), 'no-volume')
  }
}

/** Copies under way in this process, by file. */
type Copies = Map<string, Promise<void>>

const begin = async (context: Context, copies: Copies, name: string, machine: string): Promise<Snapshot> => {
  const { libvirt, path, signal } = context
  const { disk, base } = await sourceOf(context, machine)
  const file = fileOf(name, base)
  const { capacityBytes } = await libvirt.volumes.info(disk, within(signal))
  const copying = copy(context, file, disk, capacityBytes).finally(() => copies.delete(file))
  copies.set(file, copying)
  // What became of it is seen by whoever looks: a copy that failed is not there.
  copying.catch(() => undefined)
  const diskGb = Math.ceil(capacityBytes / bytesPerGb)
  const ref = snapshotRef({ path: `${path}/${file}`, base, diskGb })
  return { ref, name, state: 'pending', sizeGb: diskGb, createdAt: new Date(context.now()).toISOString() }
}

/** A copy that this process makes is under way, whatever its file looks like. */
const observed = async (context: Context, copies: Copies, volume: Volume): Promise<Snapshot> => {
  const seen = await look(context, volume)
  return seen.state === 'failed' && copies.has(volume.name) ? { ...seen, state: 'pending' } : seen
}

const ensure = async (context: Context, copies: Copies, name: string, machine: string): Promise<Snapshot> => {
  const volume = (await listed(context)).find(one => partsOf(one.name)?.name === name)
  if (volume === undefined) return begin(context, copies, name, machine)
  const known = await observed(context, copies, volume)
  if (known.state !== 'failed') return known
  try {
    await remove(context, volume.name)
  } catch (error) {
    // libvirt is still at it.
    if (!isLibvirtError(error, 'operation-invalid')) throw error
    return { ...known, state: 'pending' }
  }
  return begin(context, copies, name, machine)
}

/** Images made from machines that are stopped: whole copies of their disks, in the account's pool. */
export const makeImages = ({ libvirt: open, pool: poolName, now }: KvmImageDeps): ImageApi => {
  const copies: Copies = new Map()
  const asked = <T>(mutates: boolean, signal: AbortSignal, work: (context: Context) => Promise<T>): Promise<T> =>
    told(mutates, async () => {
      const libvirt = open()
      const pool = await libvirt.pools.byName(poolName, within(signal))
      const [target] = find(parseXml(await libvirt.pools.xml(pool, within(signal))), 'target', 'path')
      return work({ libvirt, pool, path: target === undefined ? '' : textOf(target), now, signal })
    })
  return {
    ensure: ({ name, machine }, signal) => asked(true, signal, context => ensure(context, copies, name, machine)),
    observe: (ref, signal) =>
      asked(false, signal, async context => {
        const volume = await byFile(context, fileIn(ref))
        return volume === null ? null : observed(context, copies, volume)
      }),
    list: signal =>
      asked(false, signal, async context => {
        return Promise.all((await listed(context)).map(one => observed(context, copies, one)))
      }),
    delete: (ref, signal) => asked(true, signal, context => remove(context, fileIn(ref))),
  }
}

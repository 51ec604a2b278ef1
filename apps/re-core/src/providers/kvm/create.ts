import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { isLibvirtError, type Domain, type Libvirt, type Pool, type Volume } from '@re-ops/node-libvirt'
import { ProviderError, type Accepted, type CreateRequest } from '@re-ops/protocols'
import { unless } from './errors.ts'
import { withHome } from './home.ts'
import { machineXml, diskXml, seedXml, volumeNames } from './machine-xml.ts'
import { ownerOf, type Marks } from './marks.ts'
import { marksOf } from './observe.ts'
import { digestOf, type KvmRequest } from './plan.ts'
import { seedImage } from './seed.ts'
import type { KvmSettings } from './settings.ts'
import { point, start, within, type KvmDeps } from './start.ts'

export type CreateContext = {
  readonly deps: KvmDeps
  readonly libvirt: Libvirt
  readonly domainType: NonNullable<KvmSettings['domainType']>
  readonly settings: KvmSettings
  readonly region: string
}

/**
 * The definition comes first and goes last: it says whose the machine is, so whatever a crash leaves behind is found
 * by its UUID and taken away. Each step finds what an earlier try has done.
 */
export const create = async (
  context: CreateContext,
  request: CreateRequest,
  signal: AbortSignal,
): Promise<Accepted> => {
  const { deps, libvirt } = context
  const body = request.body as KvmRequest
  const ref = request.identity.uuid
  await point(deps, 'create.begin', ref)
  const userData = await withHome(libvirt, context.settings, context.region, body, signal)
  const dom = await defined(context, request, body, signal)
  await point(deps, 'create.defined', ref)
  const { state } = await libvirt.domains.state(dom, within(signal))
  if (state !== 'shutoff' && state !== 'crashed') return { ref }
  const pool = await libvirt.pools.byName(body.pool, within(signal))
  const names = volumeNames(ref)
  await ensureVolume(libvirt, pool, names.disk, diskXml(body, names.disk), signal)
  await point(deps, 'create.disk', ref)
  await ensureSeed(libvirt, pool, request, userData, signal)
  await point(deps, 'create.seed', ref)
  await startOrClear(context, pool, dom, signal)
  await point(deps, 'create.started', ref)
  return { ref }
}

const typeOf = async ({ libvirt, domainType }: CreateContext, signal: AbortSignal): Promise<string> => {
  if ((await libvirt.node.type(within(signal))) === 'TEST') return 'test'
  if (domainType !== 'auto') return domainType
  const kvm = libvirt.node.domainCapabilities({ virtType: 'kvm', arch: 'x86_64', ...within(signal) })
  return (await unless(kvm, 'invalid-argument', 'config-unsupported', 'no-support')) === null ? 'qemu' : 'kvm'
}

const defined = async (
  context: CreateContext,
  request: CreateRequest,
  body: KvmRequest,
  signal: AbortSignal,
): Promise<Domain> => {
  const { deps, libvirt } = context
  const { identity } = request
  const there = await same(libvirt, request, signal)
  if (there !== null) return there
  const marks: Marks = {
    owner: ownerOf(identity),
    digest: digestOf(request),
    createdAt: new Date(deps.now()).toISOString(),
    size: body.size.name,
    image: body.image.name,
    protected: body.protected,
    expiresAt: body.expiresAt,
    tags: body.tags,
  }
  const xml = machineXml(body, identity, marks, await typeOf(context, signal))
  try {
    return await libvirt.domains.define(xml, within(signal))
  } catch (error) {
    if (!isLibvirtError(error, 'operation-failed', 'domain-exists')) throw error
    const raced = await same(libvirt, request, signal)
    if (raced !== null) return raced
    const taken = await unless(libvirt.domains.byName(body.name, within(signal)), 'no-domain')
    if (taken === null) throw error
    throw new ProviderError('conflict', 'not-applied', `libvirt has another machine ${body.name}, ${taken.uuid}`)
  }
}

/** The machine of this identity, when it is there; throws when another request made it. */
const same = async (libvirt: Libvirt, request: CreateRequest, signal: AbortSignal): Promise<Domain | null> => {
  const { uuid } = request.identity
  const dom = await unless(libvirt.domains.byUuid(uuid, within(signal)), 'no-domain')
  if (dom === null) return null
  if ((await marksOf(libvirt, dom, signal))?.digest !== digestOf(request))
    throw new ProviderError('identity-mismatch', 'not-applied', `${uuid} was made by another request`)
  return dom
}

const ensureVolume = async (
  libvirt: Libvirt,
  pool: Pool,
  name: string,
  xml: string,
  signal: AbortSignal,
): Promise<Volume> => {
  const { volumes } = libvirt
  const look = () => unless(volumes.byName(pool, name, within(signal)), 'no-volume')
  const there = await look()
  if (there !== null) return there
  try {
    return await volumes.create(pool, xml, within(signal))
  } catch (error) {
    // Somebody else may have made it meanwhile; drivers have different numbers for that.
    const raced = await look()
    if (raced === null) throw error
    return raced
  }
}

/** Written again by every try: nobody can tell whether an earlier one got to its end. */
const ensureSeed = async (
  libvirt: Libvirt,
  pool: Pool,
  { identity, body }: CreateRequest,
  userData: string | null,
  signal: AbortSignal,
): Promise<void> => {
  const { name } = body as KvmRequest
  const bytes = seedImage({ uuid: identity.uuid, hostname: name, userData })
  const volumeName = volumeNames(identity.uuid).seed
  const volume = await ensureVolume(libvirt, pool, volumeName, seedXml(volumeName, bytes.length), signal)
  const stream = await uploadTo(libvirt, volume, signal)
  if (stream !== null) await pipeline([bytes], stream, { signal })
}

const uploadTurnMs = 50
const uploadTurnsMax = 200

/** One writes a volume at a time; another try of the same create may be at it. Null: libvirt's test driver keeps no contents. */
const uploadTo = async (libvirt: Libvirt, volume: Volume, signal: AbortSignal): Promise<Writable | null> => {
  for (let turn = 1; ; turn += 1) {
    try {
      return await unless(libvirt.volumes.upload(volume, within(signal)), 'no-support')
    } catch (error) {
      if (!isLibvirtError(error, 'operation-invalid') || turn === uploadTurnsMax) throw error
      await pause(uploadTurnMs, undefined, { signal })
    }
  }
}

/** Destroyed meanwhile: then what we made for it goes too. */
const startOrClear = async (
  { deps, libvirt }: CreateContext,
  pool: Pool,
  dom: Domain,
  signal: AbortSignal,
): Promise<void> => {
  try {
    await start(deps, libvirt, dom, signal)
  } catch (error) {
    if (!isLibvirtError(error, 'no-domain')) throw error
    for (const name of Object.values(volumeNames(dom.uuid))) {
      const volume = await unless(libvirt.volumes.byName(pool, name, within(signal)), 'no-volume')
      if (volume !== null) await unless(libvirt.volumes.delete(volume, within(signal)), 'no-volume')
    }
    throw new ProviderError('identity-spent', 'not-applied', `${dom.uuid} was destroyed while it was made`)
  }
}

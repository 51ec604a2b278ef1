import { makeLibvirt, type Libvirt } from '@re-ops/node-libvirt'
import type { Catalog, Provider } from '@re-ops/protocols'
import type { Place } from '../driver.ts'
import { act } from './act.ts'
import { kvmCaps } from './caps.ts'
import { openConsole } from './console.ts'
import { create } from './create.ts'
import { children, destroy } from './destroy.ts'
import { classifyKvm, told } from './errors.ts'
import { list, observe } from './observe.ts'
import { makeImages } from './images.ts'
import { planCreate } from './plan.ts'
import { kvmDefaults, networkCaps, refuseShrink, sizesOf, uriOf, type KvmSettings } from './settings.ts'
import { within, type KvmDeps } from './start.ts'
import { makeVolumes, pollVolume } from './volumes.ts'

/** Virtual machines of a host that runs libvirt: this one, or another over ssh. */
export const makeKvm = (deps: KvmDeps, { account, region }: Place): Provider => {
  const settings = account.settings as KvmSettings
  const { domainType = 'auto' } = settings
  // Made at the first call: a URI that is wrong is told by it, and nothing is connected before.
  let made: Libvirt | null = null
  const libvirt = () => (made ??= makeLibvirt(uriOf(settings, region), { unref: true }))
  const extras = { libvirt, pool: settings.pool ?? kvmDefaults.pool }
  const eyes = { ...deps, settings }
  const look = (ref: string, signal: AbortSignal) => told(false, () => observe(eyes, libvirt(), ref, signal))
  return {
    kind: 'kvm',
    caps: { ...kvmCaps, ...networkCaps(settings), ...deps.caps },
    offerings: spec => [{ size: spec.size, zone: null, market: 'on-demand' }],
    planCreate: (spec, identity) => planCreate(settings, spec, identity),
    checkResize: (spec, size) => refuseShrink(settings, spec.size, size),
    create: (request, signal) =>
      told(true, () => create({ deps, libvirt: libvirt(), domainType, settings, region }, request, signal)),
    findByIdentity: async ({ uuid }, signal) => {
      const seen = await look(uuid, signal)
      return seen.state === 'present' ? [seen.vm] : []
    },
    observe: look,
    list: async function* (scope, signal) {
      try {
        yield* list(eyes, libvirt(), scope, signal)
      } catch (error) {
        throw classifyKvm(error, false)
      }
    },
    act: async (ref, action, _op, signal) =>
      told(true, async () => (await act({ deps, libvirt: libvirt(), settings }, ref, action, signal), { ref })),
    // Only a volume takes its time: its guest has to let go of it.
    pollOp: (opRef, signal) => pollVolume(extras, opRef, signal),
    // libvirt keeps no history of what was asked of a machine.
    findOp: async () => 'cannot-tell',
    destroy: async (ref, plan, signal) =>
      told(true, async () => (await destroy(deps, libvirt(), ref, plan, signal), { ref })),
    children: (ref, signal) => told(false, () => children(libvirt(), ref, signal)),
    catalog: async () => catalog(settings, region),
    quota: async () => [],
    verifyCredentials: signal =>
      told(false, async () => {
        const { node } = libvirt()
        return { id: await node.hostname(within(signal)), name: await node.uri(within(signal)) }
      }),
    classify: classifyKvm,
    console: (ref, { force }, signal) => told(false, () => openConsole(libvirt(), ref, force, signal)),
    limits: () => [],
    volumes: makeVolumes(extras),
    images: makeImages({ ...extras, now: deps.now }),
  }
}

const architecture = 'x86_64'
const catalog = (settings: KvmSettings, region: string): Catalog => ({
  sizes: Object.entries(sizesOf(settings)).map(([name, size]) => ({ name, ...size, architecture })),
  images: Object.entries(settings.images ?? {}).map(([name, { title = name }]) => ({
    name,
    title,
    architecture,
    origin: 'own',
  })),
  regions: [{ name: region, title: uriOf(settings, region), zones: [] }],
  prices: [],
})

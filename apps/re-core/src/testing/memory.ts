import {
  type Action,
  type CreateRequest,
  type Identity,
  type Observation,
  type ObservedVm,
  type Power,
  type Provider,
  ProviderError,
  relabelled,
} from '@re-ops/protocols'
import type { Ending, Store } from '../jobs/attempt.ts'
import { MoteError, type Mote } from '../mote.ts'
import { identityOf } from '../providers/identity.ts'
import { localCaps } from '../providers/local/local.ts'
import { plainLimits } from '../providers/plain.ts'
import type { OpEnd } from '../store/ops.ts'
import type { OpRow, Sighting, SystemRow } from '../store/row.ts'
import { memoryVolumes } from './memory-volumes.ts'
import { offeringKey } from '../store/scarce.ts'

type Noted = Omit<Sighting, 'ageMs'> & { readonly at: number }

/** Rows in memory with the rules of the real store: the epoch fences, a reference is saved only where it is wanted. */
export const memoryStore = (installation: string) => {
  const rows = new Map<string, SystemRow>()
  const sightings = new Map<string, Map<string, Noted>>()
  const scarce = new Map<string, number>()
  const endings = new Map<string, Ending>()
  const ops = new Map<string, OpRow>()
  const opEnds = new Map<string, OpEnd>()
  /** The latest time that anybody told. */
  let clock = 0
  const of = (id: string) => sightings.get(id) ?? new Map<string, Noted>()
  const put = (row: SystemRow): SystemRow => {
    rows.set(row.id, row)
    return row
  }
  const store: Store = {
    claim: async id => {
      const row = rows.get(id)
      return row === undefined ? null : put({ ...row, leaseEpoch: row.leaseEpoch + 1 })
    },
    sightings: async id => [...of(id).values()].map(({ at, ...one }) => ({ ...one, ageMs: clock - at })),
    write: async (row, changes, at) => {
      clock = Math.max(clock, at)
      const current = rows.get(row.id)
      if (current === undefined || current.leaseEpoch !== row.leaseEpoch) return null
      const entered =
        changes.phase !== undefined && changes.phase !== current.phase
          ? { phaseAt: at, phases: [...current.phases, { name: changes.phase, at: new Date(at).toISOString() }] }
          : {}
      return put({ ...current, ...changes, ...entered })
    },
    saveRef: async (row, ref, at) => {
      clock = Math.max(clock, at)
      const current = rows.get(row.id)
      if (current === undefined) return null
      const same = current.generation === row.generation && current.candidate === row.candidate
      const wanted = current.desired !== 'absent' && current.wantGeneration === current.generation
      if (same && wanted && (current.ref === null || current.ref === ref)) return put({ ...current, ref })
      const { generation, candidate } = row
      if (current.ref !== ref)
        sightings.set(row.id, of(row.id).set(ref, { ref, generation, candidate, isDestroyed: false, at }))
      return null
    },
    keptVolumes: async () => [],
    volumes: memoryVolumes(),
    userData: async () => null,
    forgetSighting: async (row, ref) => void of(row.id).delete(ref),
    sightingDestroyed: async (row, ref) => {
      const one = of(row.id).get(ref)
      if (one !== undefined) of(row.id).set(ref, { ...one, isDestroyed: true })
    },
    finish: async (row, changes, ending, _message, at) => {
      if ((await store.write(row, changes, at)) !== null) endings.set(row.id, ending)
    },
    drop: async () => {},
    op: async row => (row.op === null ? null : (ops.get(row.op) ?? null)),
    writeOp: async (row, op, changes) => {
      if (rows.get(row.id)?.leaseEpoch !== row.leaseEpoch || !ops.has(op.id)) return null
      const next = { ...op, ...changes }
      ops.set(op.id, next)
      return next
    },
    endOp: async (row, op, end, changes, at) => {
      const written = await store.write(row, { ...changes, op: null }, at)
      if (written !== null) opEnds.set(op.id, end)
      return written
    },
    isFrozen: async () => false,
    goOn: (row, changes, _told, at) => store.write(row, changes, at),
    parked: async () => null,
    park: async () => {},
    mayTry: async () => true,
    unpark: async () => {},
    snapshot: async () => null,
    writeSnapshot: async () => {},
    scarce: async (_row, at) => new Map([...scarce].filter(([, until]) => until > at)),
    noteScarce: async (_row, offering, until) => void scarce.set(offeringKey(offering), until),
  }
  return {
    store,
    rows,
    endings,
    ops,
    opEnds,
    identity: (row: SystemRow) => identityOf(installation, row.id, row.generation, row.candidate),
  }
}

type Vm = {
  ref: string
  identity: Identity
  power: Power
  createdAt: number
  visibleAt: number
  size: string
  name: string
  tags: Record<string, string>
  /** Which start of its guest this is. */
  boots: number
  reboots: number
}
export type Mode = 'caller-id' | 'token' | 'lookup'
export const landingMs = 5_000
export const lagMs = 2_000

const invalid = (text: string) => new ProviderError('invalid', 'not-applied', text)
const does = (vm: Vm, action: Action): void => {
  switch (action.kind) {
    case 'start':
      if (vm.power !== 'running') vm.boots += 1
      vm.power = 'running'
      return
    case 'stop':
      vm.power = 'stopped'
      return
    case 'reboot':
      vm.reboots += 1
      vm.boots += 1
      return
    case 'resize':
      if (vm.power === 'running') throw new ProviderError('busy', 'not-applied', 'it runs')
      if (action.size === 'too-small') throw invalid('size is too-small; allowed: larger')
      vm.size = action.size
      return
    case 'rename':
      vm.name = action.name
      return
    case 'setTags':
      vm.tags = relabelled(vm.tags, action.tags)
      return
    case 'setOwner':
      vm.identity = action.owner ?? vm.identity
      return
    case 'setProtection':
  }
}

/** A provider in memory, with a delay before a new machine shows and requests that land late when told so. */
export const memoryProvider = (mode: Mode, now: () => number) => {
  const vms: Vm[] = []
  const spent = new Set<string>()
  const late: { at: number; request: CreateRequest }[] = []
  const lag = mode === 'caller-id' ? 0 : lagMs
  const shown = (vm: Vm): ObservedVm => ({
    ref: vm.ref,
    power: vm.power,
    raw: vm.power,
    locked: false,
    addresses: [],
    size: vm.size,
    lifecycle: 'on-demand',
    createdAt: new Date(vm.createdAt).toISOString(),
    tags: vm.tags,
    owner: { ...vm.identity },
  })
  const alive = () => vms.filter(vm => vm.power !== 'gone')
  const bodyOf = ({ size, tags }: CreateRequest['body']) => ({
    size: String(size),
    tags: { ...(tags as Record<string, string> | undefined) },
  })
  const born = { name: '', boots: 1, reboots: 0 }
  const make = ({ identity, body }: CreateRequest, at: number): string => {
    const known = mode === 'lookup' ? undefined : vms.find(vm => vm.identity.token === identity.token)
    if (known?.power === 'gone' || spent.has(identity.uuid))
      throw new ProviderError('identity-spent', 'not-applied', 'this identity was destroyed')
    if (known !== undefined) return known.ref
    const ref = mode === 'caller-id' ? identity.uuid : `vm-${vms.length + 1}`
    vms.push({ ref, identity, power: 'running', createdAt: at, visibleAt: at + lag, ...born, ...bodyOf(body) })
    return ref
  }
  const land = () => {
    for (const one of late.splice(0)) {
      if (one.at > now()) late.push(one)
      else
        try {
          make(one.request, one.at)
        } catch (error) {
          if (!(error instanceof ProviderError)) throw error // refused when it landed: nobody is there to hear it
        }
    }
  }
  const visible = () => (land(), alive().filter(vm => vm.visibleAt <= now()))
  const byRef = (ref: string) => visible().find(vm => vm.ref === ref)
  const provider: Provider = {
    kind: 'local',
    caps: {
      ...localCaps,
      actions: [...localCaps.actions, 'resize'],
      opHistory: false,
      createIdempotency: mode,
      maxVisibilityLagMs: lag,
      latestLandingMs: mode === 'caller-id' ? 0 : landingMs,
    },
    ...plainLimits,
    offerings: spec => [{ size: spec.size, zone: null, market: 'on-demand' }],
    planCreate: (spec, identity) => ({ identity, body: { ...spec } }),
    create: async (request: CreateRequest) => (land(), { ref: make(request, now()) }),
    findByIdentity: async identity =>
      visible()
        .filter(vm => vm.identity.token === identity.token)
        .map(shown),
    observe: async (ref): Promise<Observation> => {
      const vm = byRef(ref)
      return vm === undefined ? { state: 'absent', proof: 'not-found' } : { state: 'present', vm: shown(vm) }
    },
    list: async function* () {
      for (const vm of visible()) yield shown(vm)
    },
    act: async (ref, action) => {
      const vm = byRef(ref)
      if (vm === undefined) throw new ProviderError('not-found', 'not-applied', `no machine ${ref}`)
      does(vm, action)
      return { ref }
    },
    pollOp: async () => 'done',
    findOp: async () => 'cannot-tell',
    children: async () => [],
    catalog: async () => ({ sizes: [], images: [], regions: [], prices: [] }),
    quota: async () => [],
    verifyCredentials: async () => ({ id: 'memory', name: null }),
    destroy: async ref => {
      if (mode === 'caller-id') spent.add(ref)
      const vm = byRef(ref)
      if (vm !== undefined) vm.power = 'gone'
      return { ref }
    },
  }
  /** The request is on its way; nobody knows. */
  const sendLate = (request: CreateRequest, afterMs: number) => void late.push({ at: now() + afterMs, request })
  return { provider, alive: () => (land(), alive()), sendLate }
}

/** re-mote as re-core sees it: an agent has called home as soon as its machine runs. */
export const memoryMote = (
  isUp: () => boolean,
  runs: (system: string, generation: number) => boolean,
  bootOf: (system: string) => string | null = () => null,
) => {
  const revoked = new Map<string, number>()
  /** When an agent was last heard that has no session any more. */
  const heardAt = new Map<string, number>()
  const up = () => {
    if (!isUp()) throw new MoteError('unreachable', 're-mote does not answer')
  }
  const mote: Mote = {
    url: 'http://127.0.0.1:1',
    root: async () => (up(), 'r'.repeat(43)),
    rootAtHand: () => null,
    register: async () => up(),
    change: async () => up(),
    hostOf: async (system, generation) => {
      up()
      const online = runs(system, generation)
      const seenAt = online ? Number.MAX_SAFE_INTEGER : heardAt.get(system)
      return seenAt === undefined
        ? null
        : {
            id: `${system.slice(0, -1)}${generation % 10}`,
            online,
            enrolledAt: 0,
            seenAt,
            boot: bootOf(system),
            addresses: [],
          }
    },
    revoke: async (system, generation) => {
      up()
      revoked.set(system, Math.max(generation, revoked.get(system) ?? 0))
    },
  }
  return { mote, revoked, heardAt }
}

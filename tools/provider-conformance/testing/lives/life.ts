import { newId, type CreateRequest, type ObservedVm, type Provider, type VmSpec } from '@re-ops/protocols'
import { identityOf, newOp, type PlaceKey, type World, type WorkerOptions } from '@re-ops/re-core/testing'

/** Ways in which lives can be made to go wrong; each holds until the answer is called. */
export type LifeMishaps = {
  /** Every list breaks off after its first page. */
  readonly breakLists: () => () => void
  /** Looks at many machines are refused: there were too many calls. */
  readonly refuseLooks: () => () => void
  /** No agent calls home, so no system that waits for its own is ready. */
  readonly silence: () => () => void
  /** From now on guests do not hear that they shall stop. */
  readonly deafen: () => void
  /** How many calls its limits have refused by themselves. */
  readonly refusals: () => number
}
/** Places that may run out of machines. */
export type Capacity = {
  /** One that is no zone is the whole region. */
  readonly zones: readonly string[]
  readonly exhaust: (zone: string) => void
  readonly refill: () => void
  readonly zoneOf: (life: Life, id: string) => Promise<string>
}
/** Volumes that stand beside machines, past the provider. */
export type Beside = {
  readonly there: () => Promise<readonly { readonly name: string; readonly machine: string | null }[]>
  /** Somebody else makes one of that name. */
  readonly put: (name: string) => Promise<void>
}
/** Where machines are made, and references of those that are there, in order. */
export type LifePlace = { readonly place: PlaceKey; readonly alive: () => Promise<string[]> }

/** Lives of systems somewhere: a worker of re-core on a real Postgres, and machines that are counted past their provider. */
export type Life = {
  readonly letter: string
  readonly world: World
  /** References of machines that are there, in order. */
  readonly alive: () => Promise<string[]>
  /** The first is where all is that names no other. */
  readonly places: readonly LifePlace[]
  /** What machines there are asked for with. */
  readonly spec: Pick<VmSpec, 'size' | 'image' | 'callHome'>
  /** Times as the provider writes them down, ms. */
  readonly roundedMs: number
  /** The provider with what only a decorator can make go wrong. */
  readonly wrap: (provider: Provider) => Provider
  readonly mishaps: LifeMishaps
  readonly capacity: Capacity | null
  /** Null: another test looks there. */
  readonly beside: Beside | null
  /** Makes a machine that carries no mark of re-core; null where nobody else can make one. */
  readonly stranger: (() => Promise<string>) | null
  readonly stop: () => Promise<void>
}

const hourMs = 3_600_000
const callMs = 60_000
export const bound = (): AbortSignal => AbortSignal.timeout(callMs)

/** A worker whose rounds run when they are called and not by themselves. */
export const startQuiet = ({ world, wrap }: Life, options: WorkerOptions = {}) => {
  const quiet = { reapMs: hourMs, leasesMs: hourMs, observeMs: hourMs, observeRemoteMs: hourMs }
  return world.startOne({ wrap, ...options, timings: { ...quiet, ...options.timings } })
}

export const ready = async ({ world }: Life, name: string): Promise<string> => {
  const id = await world.create(name)
  await world.phase(id, 'ready')
  return id
}
export const gone = async (life: Life, name: string): Promise<string> => {
  const id = await ready(life, name)
  await life.world.ask(id, 'destroy')
  await life.world.phase(id, 'gone')
  return id
}

const listed = async (provider: Provider, scope: 'owned' | 'all'): Promise<ObservedVm[]> => {
  const all: ObservedVm[] = []
  for await (const vm of provider.list(scope, bound())) all.push(vm)
  return all
}

/** Sends the request and waits until lists show its machine, marks and all. */
export const make = async (
  { world }: Life,
  request: CreateRequest,
  scope: 'owned' | 'all' = 'owned',
  place?: PlaceKey,
): Promise<string> => {
  const provider = world.provider(place)
  const { ref } = await provider.create(request, bound())
  await world.until(`${ref} is listed`, async () =>
    (await listed(provider, scope)).some(vm => vm.ref === ref && (scope === 'all' || vm.owner !== undefined)),
  )
  return ref
}

/** A machine that some worker made and nobody knows of. */
export const makeStray = async (
  life: Life,
  system: string,
  generation: number,
  { candidate = 0, installation = life.world.installation } = {},
): Promise<string> => {
  const spec = { ...life.spec, name: `stray-${newId().slice(-6)}`, type: 'web' }
  const identity = identityOf(installation, system, generation, candidate)
  return make(life, life.world.provider().planCreate(spec, identity))
}

/** Lets time go by for strays, by the database's clock, which is the one that counts. */
export const ageSightings = async ({ world }: Life, minutes: number): Promise<void> => {
  await world.pool.query(`update core.sighting set first_at = first_at - make_interval(mins => $1)`, [minutes])
}

/** Marks the machine with the end of its lease. */
export const markEnd = async ({ world }: Life, ref: string | null, at: Date): Promise<void> => {
  const action = { kind: 'setExpiry', expiresAt: at.toISOString() } as const
  await world.provider().act(ref ?? '', action, newOp(), bound())
}

/** When the machine shall end, as it shows it; NaN = it does not. */
export const endThere = async ({ world }: Life, id: string): Promise<number> => {
  const seen = await world.provider().observe((await world.row(id)).ref ?? '', bound())
  return seen.state === 'present' ? Date.parse(seen.vm.expiresAt ?? '') : Number.NaN
}

const kept = ['system', 'job', 'op', 'sighting', 'alarm'] as const
/** Where its machine is. */
export const zoneOf = async ({ world }: Life, id: string): Promise<string> => {
  const seen = await world.provider().observe((await world.row(id)).ref ?? '', bound())
  return seen.state === 'present' ? (seen.vm.zone ?? '') : ''
}

/** Copies what Postgres has; what is answered puts it back as it was then, as a backup does. */
export const backUp = async ({ world: { pool } }: Life): Promise<() => Promise<void>> => {
  const copy = `backup_${newId().slice(-8)}`
  await pool.query(`create schema ${copy}`)
  for (const table of kept) await pool.query(`create table ${copy}.${table} as table core.${table}`)
  return async () => {
    const back = kept.map(table => `insert into core.${table} overriding system value table ${copy}.${table}`)
    const all = kept.map(table => `core.${table}`).join(', ')
    await pool.query(`begin; truncate ${all} cascade; ${back.join('; ')}; commit`)
  }
}

import type { Clock } from '../shared/clock.ts'
import type { Guest } from '../shared/guests.ts'

export type ActionType =
  | 'create'
  | 'destroy'
  | 'power_on'
  | 'power_off'
  | 'shutdown'
  | 'reboot'
  | 'power_cycle'
  | 'resize'
  | 'rename'
  | 'rebuild'
  | 'restore'
  | 'snapshot'
  | 'password_reset'
  | 'attach_volume'
  | 'detach_volume'
  | 'resize_volume'
  | 'assign_ip'
  | 'unassign_ip'

export type Action = {
  readonly id: number
  readonly type: ActionType
  status: 'in-progress' | 'completed' | 'errored'
  readonly startedAt: number
  completedAt: number | null
  readonly resource: { readonly type: 'droplet' | 'volume' | 'reserved_ip'; readonly id: number | null }
  readonly region: string
}
export type Droplet = {
  readonly id: number
  name: string
  status: 'new' | 'active' | 'off'
  size: string
  /** GiB */
  disk: number
  image: number | string
  readonly region: string
  readonly tags: Set<string>
  readonly createdAt: number
  /** From here on lists show it. */
  readonly listedAt: number
  /** From here on a look at it shows it. */
  readonly shownAt: number
  readonly address: string
  readonly privateAddress: string
  readonly sshKeys: readonly number[]
  readonly userData: string | null
  pending: Action | null
  /** Ignores a graceful shutdown, as a guest without acpid does. */
  deaf: boolean
  /** How often it began to run. */
  boots: number
}
export type Volume = {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly region: string
  /** GiB */
  gigabytes: number
  readonly filesystem: string
  readonly tags: Set<string>
  droplet: number | null
  readonly createdAt: number
}
export type Snapshot = {
  readonly id: string
  readonly name: string
  readonly of: 'droplet' | 'volume'
  readonly source: string
  readonly region: string
  readonly minDisk: number
  readonly tags: Set<string>
  readonly createdAt: number
}
export type SshKey = { readonly id: number; readonly fingerprint: string; readonly publicKey: string; name: string }
export type Firewall = {
  readonly id: string
  name: string
  inbound: readonly unknown[]
  outbound: readonly unknown[]
  droplets: readonly number[]
  tags: readonly string[]
  readonly createdAt: number
}
export type ReservedIp = { readonly ip: string; readonly region: string; droplet: number | null }

/** How long things take, in ms of the clock. */
export type Delays = {
  createMs: number
  actMs: number
  /** Until the tags of a new droplet are there. */
  tagMs: number
  /** Until lists show a new droplet. */
  listMs: number
  /** Until a look at a new droplet shows it; lists do not before that either. */
  showMs: number
}

/** Everything of one account. */
export type Cloud = {
  readonly clock: Clock
  readonly delays: Delays
  readonly nextId: () => number
  readonly droplets: Map<number, Droplet>
  readonly actions: Map<number, Action>
  /** Tag objects; those of no resource are here too. */
  readonly tags: Set<string>
  readonly volumes: Map<string, Volume>
  readonly snapshots: Map<string, Snapshot>
  readonly keys: Map<number, SshKey>
  readonly firewalls: Map<string, Firewall>
  readonly reservedIps: Map<string, ReservedIp>
  /** Next actions of these types that begin end `errored`; each entry once. */
  readonly spoiled: ActionType[]
  /** `size@region`: not available. */
  readonly soldOut: Set<string>
  dropletLimit: number
  /** A page of a list holds at most so many. */
  pageMax: number
  readonly onState: (guest: Guest) => void
}

export const makeCloud = (clock: Clock, delays: Delays, onState: Cloud['onState'] = () => {}): Cloud => {
  let id = 500_000_000
  return {
    clock,
    delays,
    nextId: () => (id += 1),
    droplets: new Map(),
    actions: new Map(),
    tags: new Set(),
    volumes: new Map(),
    snapshots: new Map(),
    keys: new Map(),
    firewalls: new Map(),
    reservedIps: new Map(),
    spoiled: [],
    soldOut: new Set(),
    dropletLimit: 1_000,
    pageMax: 200,
    onState,
  }
}

/** How DigitalOcean says no. */
export class Refusal extends Error {
  readonly status: number
  readonly id: string
  constructor(status: number, id: string, message: string) {
    super(message)
    this.status = status
    this.id = id
  }
}
export const unprocessable = (message: string): Refusal => new Refusal(422, 'unprocessable_entity', message)
export const notFound = (): Refusal => new Refusal(404, 'not_found', 'The resource you requested could not be found.')

export const found = <K, V>(map: ReadonlyMap<K, V>, key: K): V => {
  const value = map.get(key)
  if (value === undefined) throw notFound()
  return value
}

/** Begins an action; `done` happens when its time has come, unless it was told to fail. */
export const beginAction = (
  cloud: Cloud,
  type: ActionType,
  resource: Action['resource'],
  { region, afterMs }: { region: string; afterMs: number },
  done: (ok: boolean) => void,
): Action => {
  const { clock, spoiled } = cloud
  const now = clock.now()
  const spoil = spoiled.indexOf(type)
  if (spoil >= 0) spoiled.splice(spoil, 1)
  const action: Action = {
    id: cloud.nextId(),
    type,
    status: 'in-progress',
    startedAt: now,
    completedAt: null,
    resource,
    region,
  }
  cloud.actions.set(action.id, action)
  clock.at(now + afterMs, at => {
    action.status = spoil >= 0 ? 'errored' : 'completed'
    action.completedAt = at
    done(spoil < 0)
  })
  return action
}

export const addTag = (cloud: Cloud, tags: Set<string>, name: string): void => {
  // The capitals of whoever named it first are the tag's own.
  const known = [...cloud.tags].find(one => one.toLowerCase() === name.toLowerCase())
  cloud.tags.add(known ?? name)
  tags.add(known ?? name)
}

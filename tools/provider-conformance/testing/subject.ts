import type { Caps, Identity, Provider, VmSpec } from '@re-ops/protocols'

/** Ways in which a target can be made to go wrong; absent = it cannot be. */
export type Mishaps = {
  /** The next call of this kind is done and its answer lost. */
  readonly loseReply?: (of: 'create' | 'destroy') => void
  /** The next create breaks off and is done so many ms later. */
  readonly landLate?: (ms: number) => void
  /** Nothing can be had there any more. */
  readonly noCapacity?: (zone: string) => void
  /** The second page of the next listing fails. */
  readonly breakSecondPage?: () => void
  /** New machines show only after so many ms. */
  readonly lag?: (ms: number) => void
  /** The next try breaks off at that step of the provider. */
  readonly breakAt?: (step: string) => void
  /** The next call of any kind is refused for want of rights, or because there were too many. */
  readonly refuse?: (why: 'auth' | 'denied' | 'throttled' | 'quota') => void
}

/** A provider with its cloud, as a test runs it. */
export type Target = {
  readonly provider: Provider
  /** The same account in other hands: another client, as another process would have it. */
  readonly another: Provider
  readonly spec: (name: string) => VmSpec
  /** What is really there, counted past the provider. */
  readonly alive: () => Promise<readonly string[]>
  /** What exists because of machines and costs something, counted past the provider. */
  readonly leftovers: () => Promise<readonly string[]>
  /** Lets time go by until it holds (on a clock of its own where the target has one); throws when it never does. */
  readonly until: (what: string, holds: () => Promise<boolean>) => Promise<void>
  /** Lets so much time go by. */
  readonly pass: (ms: number) => Promise<void>
  /** A size above that of `spec`, where sizes can be changed. */
  readonly largerSize: string | null
  /** Zones to try in order, where there are zones. */
  readonly zones: readonly string[]
  readonly mishaps: Mishaps
  /** What this target's secret looks like, to look for it in errors; null = there is none. */
  readonly canary: string | null
  readonly stop: () => Promise<void>
}

/** What is known of a target before it runs: enough to say which cases are not for it. */
export type Subject = {
  /** Of the conformance table: L local, F fake-ec2, D fake-do, T libvirt test, K qemu/kvm, M another EC2. */
  readonly letter: string
  readonly caps: Caps
  readonly mishaps: readonly (keyof Mishaps)[]
  /** How many machines a case that needs many makes; more than two pages where there are pages. */
  readonly many: number
  /** What stands beside machines there. */
  readonly extras?: readonly ('volumes' | 'keys' | 'firewalls' | 'images')[]
  /** Machines are started with their CPUs stopped. */
  readonly areGuestsPaused?: boolean
  /** Cases left out for another reason than a capability. */
  readonly skips?: Readonly<Record<number, string>>
  readonly start: () => Promise<Target>
}

export type Case = {
  readonly n: number
  readonly title: string
  /** Why a subject cannot be asked this, or null. */
  readonly needs?: (subject: Subject) => string | null
  readonly run: (target: Target, subject: Subject, identity: (generation?: number) => Identity) => Promise<void>
}

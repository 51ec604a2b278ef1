import type { Accepted } from './vm.ts'

/** A disk that can outlive its machine. `name` is unique per account and region, so `ensure` twice is one volume. */
export type Volume = {
  readonly ref: string
  readonly name: string
  readonly sizeGb: number
  readonly zone: string | null
  readonly attachedTo: string | null
}
/** Deleting what is attached is `busy`; attaching across zones `invalid`; shrinking `invalid`. */
export type VolumeApi = {
  ensure(
    /** `token`: makes asking twice at once the same volume, where the provider has such a thing. */
    spec: { readonly name: string; readonly sizeGb: number; readonly zone?: string; readonly token?: string },
    signal: AbortSignal,
  ): Promise<Volume>
  observe(ref: string, signal: AbortSignal): Promise<Volume | null>
  list(signal: AbortSignal): Promise<readonly Volume[]>
  attach(ref: string, machine: string, signal: AbortSignal): Promise<Accepted>
  detach(ref: string, signal: AbortSignal): Promise<Accepted>
  resize(ref: string, sizeGb: number, signal: AbortSignal): Promise<Accepted>
  /** Absent is ok. */
  delete(ref: string, signal: AbortSignal): Promise<void>
}

/** An image made from a machine. */
export type Snapshot = {
  readonly ref: string
  readonly name: string
  readonly state: 'pending' | 'ready' | 'failed'
  readonly sizeGb: number | null
  readonly createdAt: string
}
export type ImageApi = {
  /** Looks for the name first, so asking again is the same snapshot. */
  ensure(
    spec: {
      readonly name: string
      readonly machine: string
      /** What the machine was made of. */
      readonly image?: string
    },
    signal: AbortSignal,
  ): Promise<Snapshot>
  observe(ref: string, signal: AbortSignal): Promise<Snapshot | null>
  list(signal: AbortSignal): Promise<readonly Snapshot[]>
  delete(ref: string, signal: AbortSignal): Promise<void>
}

export type SshKey = { readonly ref: string; readonly name: string; readonly fingerprint: string }
export type KeyApi = {
  /** The name with another key is `conflict`. */
  ensure(spec: { readonly name: string; readonly publicKey: string }, signal: AbortSignal): Promise<SshKey>
  list(signal: AbortSignal): Promise<readonly SshKey[]>
  delete(ref: string, signal: AbortSignal): Promise<void>
}

export type FirewallRule = {
  readonly direction: 'in' | 'out'
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  /** `22`, `8000-8100`, or null for all. */
  readonly ports: string | null
  /** CIDR. */
  readonly peers: readonly string[]
}
export type Firewall = { readonly ref: string; readonly name: string; readonly rules: readonly FirewallRule[] }
export type FirewallApi = {
  /** Makes its rules exactly these. */
  ensure(
    spec: { readonly name: string; readonly rules: readonly FirewallRule[] },
    signal: AbortSignal,
  ): Promise<Firewall>
  observe(ref: string, signal: AbortSignal): Promise<Firewall | null>
  list(signal: AbortSignal): Promise<readonly Firewall[]>
  /** Holds for the machine too, until the machine goes; again is ok. */
  protect(ref: string, machine: string, signal: AbortSignal): Promise<void>
  /** In use is `busy`; absent is ok. */
  delete(ref: string, signal: AbortSignal): Promise<void>
}

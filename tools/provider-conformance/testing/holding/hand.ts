import type { SystemSpec } from '@re-ops/protocols'
import type { TestAccount } from '@re-ops/re-core/testing'

/** A machine as it really is, past re-core. */
export type Machine = { readonly power: string; readonly size: string; readonly tags: Readonly<Record<string, string>> }

/** A cloud in somebody else's hands: what is done to its machines by hand, in a web console. */
export type Hand = {
  /** Of the conformance table. */
  readonly letter: string
  readonly account: TestAccount
  /** What systems there are made of. */
  readonly size: string
  readonly image: string
  /** Another size. */
  readonly largerSize: string
  /** Makes a machine with these tags and answers its reference. Tags of re-core's own are written as its providers do. */
  readonly make: (name: string, tags: Readonly<Record<string, string>>) => Promise<string>
  readonly powerOff: (ref: string) => Promise<void>
  readonly resize: (ref: string, size: string) => Promise<void>
  readonly tag: (ref: string, key: string, value: string) => Promise<void>
  readonly remove: (ref: string) => Promise<void>
  /** As the provider does with what was bought as spot; absent where there is no such thing. */
  readonly takeBack?: (ref: string) => Promise<void>
  /** Null when it is not there. */
  readonly look: (ref: string) => Promise<Machine | null>
  /** Lets the account refuse, and takes that back; absent where nothing is refused. */
  readonly refuse?: (why: 'auth' | 'denied' | 'quota' | null) => void
  readonly stop: () => Promise<void>
}

/** Deadlines of a stand-in's own, in ms; re-core is told them. */
export const quickCaps = { maxVisibilityLagMs: 200, latestLandingMs: 200 }

/** A system there that nobody waits for. */
export const specOf = ({ account, size, image }: Hand, name: string): SystemSpec => ({
  name,
  provider: account.driver.kind,
  account: account.name,
  region: account.region,
  options: {},
  type: 'web',
  size,
  image,
  labels: {},
  readiness: 'none',
  protected: false,
})

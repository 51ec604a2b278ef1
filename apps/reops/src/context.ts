import type { Client } from '@re-ops/client'
import type { Cluster } from './cluster.ts'
import type { Terminal } from './terminal.ts'

/** What every command gets first. */
export type Context = {
  readonly terminal: Terminal
  /** Found when first asked for, so that `--help` works anywhere. */
  readonly cluster: () => Cluster
  readonly client: () => Promise<Client>
  /** Calls `onInterrupt` at Ctrl-C instead of ending; gives back how to stop that. A second Ctrl-C always ends. */
  readonly interruptible: (onInterrupt: () => void) => () => void
  readonly now: () => number
}

export const printJson = (terminal: Terminal, value: unknown): void =>
  terminal.out(`${JSON.stringify(value, null, 2)}\n`)
export const printJsonLine = (terminal: Terminal, value: unknown): void => terminal.out(`${JSON.stringify(value)}\n`)

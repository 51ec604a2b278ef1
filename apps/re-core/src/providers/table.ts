import type { Provider, ProviderKind } from '@re-ops/protocols'
import { makeLocal, type LocalDeps } from './local/local.ts'

export type ProviderEntry = {
  readonly provider: Provider
  /** What a person gets who names neither. */
  readonly size: string
  readonly image: string
}

/** Every provider this installation offers, one line each. */
export const providerTable = (deps: { local: LocalDeps }): ReadonlyMap<ProviderKind, ProviderEntry> =>
  new Map([['local', { provider: makeLocal(deps.local), size: 'process', image: 'this-computer' }]])

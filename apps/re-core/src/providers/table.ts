import type { Provider, ProviderKind } from '@re-ops/protocols'
import { localImage, localSize, makeLocal } from './local/local.ts'
import type { LocalDeps } from './local/start.ts'

export type ProviderEntry = {
  readonly provider: Provider
  /** What a person gets who names neither. */
  readonly size: string
  readonly image: string
}

/** What each provider needs; null where this installation does not offer it. */
export type ProviderDeps = { readonly local: LocalDeps | null }

/** Every provider, one line each. */
export const providerTable = ({ local }: ProviderDeps): ReadonlyMap<ProviderKind, ProviderEntry> => {
  const table = new Map<ProviderKind, ProviderEntry>()
  if (local) table.set('local', { provider: makeLocal(local), size: localSize, image: localImage })
  return table
}

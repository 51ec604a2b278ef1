import type { ProviderKind } from '@re-ops/protocols'

/** Where machines are made: one account of a provider in one region. */
export type PlaceKey = { readonly provider: ProviderKind; readonly account: string; readonly region: string }

/** Of a provider that needs no account. */
export const onlyPlace = (provider: ProviderKind): PlaceKey => ({ provider, account: provider, region: provider })

export const placeName = ({ provider, account, region }: PlaceKey): string => `${provider}/${account}/${region}`

import type { ExtraPlace } from '@re-ops/protocols'

export type PlaceOptions = {
  readonly json?: boolean
  readonly provider?: string
  readonly account?: string
  readonly region?: string
}

/** The place that options name; what is left out is left to re-core. */
export const placeOf = ({ provider, account, region }: PlaceOptions): ExtraPlace => ({
  ...(provider === undefined ? {} : { provider: provider as NonNullable<ExtraPlace['provider']> }),
  ...(account === undefined ? {} : { account }),
  ...(region === undefined ? {} : { region }),
})

import type { Caps, Limiter, LimitSpec, Provider, ProviderKind } from '@re-ops/protocols'
import type { TSchema } from 'typebox'

/** An account as a provider sees it. The secret is the value itself: it stays in memory and in no error. */
export type OpenAccount = {
  readonly name: string
  readonly settings: Readonly<Record<string, unknown>>
  readonly secret: string | null
}
export type Place = { readonly account: OpenAccount; readonly region: string; readonly limiter: Limiter }

/** One kind of provider: what it is told of accounts, and how it is bound to one. */
export type Driver = {
  readonly kind: ProviderKind
  readonly caps: Caps
  /** Token buckets of its API, per account and region. */
  readonly limits: readonly LimitSpec[]
  /** What a person gets who names neither. */
  readonly size: string
  readonly image: string
  /** What our own names of sizes mean; absent: no catalogue tells which others there are. */
  readonly sizeNames?: Readonly<Record<string, string>>
  /** Who tells what machines cost: nobody, our price file, or its own catalogue. */
  readonly prices: 'free' | 'file' | 'catalog'
  /** Why the provider tells no quotas; absent: it does. */
  readonly noQuotas?: string
  /** Of an account; null: there is one account, which needs no row. */
  readonly account: {
    readonly settings: TSchema
    readonly secret: 'required' | 'optional' | 'none'
    /** What the secret's text must look like, in one line. Throws ProviderError `invalid` without the text. */
    readonly checkSecret: (secret: string | null) => void
    /** It can have one region only. */
    readonly oneRegion?: true
  } | null
  /** Cheap: clients are loaded and made at the first call. Kept per account, region and version of the secret. */
  readonly open: (place: Place) => Provider
}

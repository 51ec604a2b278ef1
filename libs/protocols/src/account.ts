import { Type, type Static } from 'typebox'
import { Name, RegionName } from './names.ts'
import { Freeze, Notice } from './notice.ts'
import { ProviderKind } from './system.ts'

/** Where a secret is (`secret:name`, `file:path`, `env:NAME`), never the secret itself. */
const SecretReference = Type.String({ pattern: '^(secret|file|env):.+$', maxLength: 512, examples: ['secret:aws'] })
/** Of the provider alone; its own schema checks them. */
const Settings = Type.Record(Type.String({ pattern: '^[a-zA-Z][a-zA-Z0-9]{0,62}$' }), Type.Unknown(), {
  maxProperties: 32,
  additionalProperties: false,
})

/** Of ours, below what the provider allows; null = none. */
const MaxSystems = Type.Union([Type.Integer({ minimum: 0, maximum: 10_000 }), Type.Null()], {
  description: 'systems that are not gone, at most',
})

/** Body of `PUT /v1/accounts/:name`: whose machines they are at a provider. The first region is the default. */
export const PutAccount = Type.Object(
  {
    provider: ProviderKind,
    regions: Type.Array(RegionName, { minItems: 1, maxItems: 64, uniqueItems: true }),
    secret: Type.Optional(SecretReference),
    settings: Type.Optional(Settings),
    maxSystems: Type.Optional(MaxSystems),
  },
  { additionalProperties: false },
)
export type PutAccount = Static<typeof PutAccount>

/** What an account refuses for the time being: everything, its lists, or new machines. */
export const ParkedFor = Type.Enum(['all', 'list', 'create'])
export type ParkedFor = Static<typeof ParkedFor>

/** Its machines wait; it is tried again from `until` on, by one of them. */
export const Parked = Type.Object({
  what: ParkedFor,
  why: Type.String(),
  since: Type.String({ format: 'date-time' }),
  until: Type.String({ format: 'date-time' }),
})
export type Parked = Static<typeof Parked>

/** An account as it is kept: the reference to its secret, and what the provider said when it was last asked. */
export const Account = Type.Object({
  name: Name,
  provider: ProviderKind,
  regions: Type.Array(RegionName),
  secret: Type.Union([SecretReference, Type.Null()]),
  settings: Settings,
  maxSystems: MaxSystems,
  /** The provider's id of it. */
  providerId: Type.Union([Type.String(), Type.Null()]),
  verifiedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  problem: Type.Union([Type.String(), Type.Null()], { description: 'why its machines wait' }),
  parked: Type.Union([Parked, Type.Null()]),
})
export type Account = Static<typeof Account>

/** What a provider says of whom the credentials belong to. */
export type AccountInfo = { readonly id: string; readonly name: string | null }

export const Size = Type.Object({
  name: Type.String(),
  cores: Type.Integer(),
  memoryMb: Type.Integer(),
  diskGb: Type.Union([Type.Number(), Type.Null()], { description: 'null: the image decides' }),
  architecture: Type.String(),
})
export type Size = Static<typeof Size>

export const Image = Type.Object({
  name: Type.String({ description: 'what `--image` takes' }),
  title: Type.String(),
  architecture: Type.String(),
  /** `own`: made by this account. */
  origin: Type.Enum(['provider', 'own']),
})
export type Image = Static<typeof Image>

export const Region = Type.Object({ name: Type.String(), title: Type.String(), zones: Type.Array(Type.String()) })
export type Region = Static<typeof Region>

/** What a size costs while it runs, in US dollars. */
export const Price = Type.Object({
  size: Type.String(),
  hourly: Type.Number(),
  source: Type.String(),
  at: Type.String({ format: 'date', description: 'the day it was true' }),
})
export type Price = Static<typeof Price>

/** What can be had in one account and region. */
export const Catalog = Type.Object({
  sizes: Type.Array(Size),
  images: Type.Array(Image),
  regions: Type.Array(Region),
  prices: Type.Array(Price),
})
export type Catalog = Static<typeof Catalog>

/** How much of something an account may have. `used` is null where the provider does not tell. */
export const Quota = Type.Object({
  name: Type.String(),
  used: Type.Union([Type.Number(), Type.Null()]),
  limit: Type.Number(),
})
export type Quota = Static<typeof Quota>

/** What an account has, may have, and what is wrong with it. */
export const AccountUsage = Type.Object({
  account: Account,
  systems: Type.Integer({ description: 'that are not gone' }),
  regions: Type.Array(Type.Object({ region: Type.String(), systems: Type.Integer() })),
  quotas: Type.Array(Quota, { description: "the provider's own" }),
  quotaNote: Type.Union([Type.String(), Type.Null()], { description: 'why there are none' }),
  limits: Type.Array(Type.Object({ family: Type.String(), perSecond: Type.Number(), burst: Type.Number() }), {
    description: "calls of the provider's API that all replicas keep to together",
  }),
  frozen: Type.Union([Freeze, Type.Null()]),
  notices: Type.Array(Notice, { description: 'the latest' }),
})
export type AccountUsage = Static<typeof AccountUsage>

/** Code that makes instances, as `GET /v1/providers` shows it. */
export const ProviderInfo = Type.Object({
  provider: ProviderKind,
  /** Of these one is chosen with `--account`; without any the provider needs none. */
  accounts: Type.Array(Name),
  needsAccount: Type.Boolean(),
  size: Type.String({ description: 'what a person gets who names none' }),
  image: Type.String(),
  caps: Type.Record(Type.String(), Type.Unknown()),
})
export type ProviderInfo = Static<typeof ProviderInfo>

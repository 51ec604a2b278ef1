import { Type, type Static } from 'typebox'
import { Estimate } from './cost.ts'
import { Name, Labels, RegionName } from './names.ts'
import { SshUser } from './ssh-settings.ts'
import { MachineOptions, ProviderKind, Readiness, SystemSpec } from './system.ts'

/** Kinds of words, as they stand in paths and in a file of words. */
export const wordKinds = ['sizes', 'images', 'regions', 'types', 'presets'] as const
export const WordKind = Type.Enum(wordKinds)
export type WordKind = (typeof wordKinds)[number]

const wordPattern = '^[a-z0-9][a-z0-9._-]{0,62}$'
export const WordName = Type.String({
  pattern: wordPattern,
  description: 'lower case letters, digits, dot, dash and underscore; at most 63 characters',
  examples: ['small'],
})
const Doc = Type.Optional(Type.String({ maxLength: 200, description: 'one line for people' }))
const Meaning = Type.Optional(Type.String({ minLength: 1, maxLength: 128 }))
/** What a word is called at each provider. */
const On = Type.Object(
  { local: Meaning, kvm: Meaning, ec2: Meaning, digitalocean: Meaning, physical: Meaning },
  { additionalProperties: false, description: "provider -> the provider's own name" },
)

const User = Type.Optional(SshUser)
/** Who logs in over SSH, as the image's maker had it; root where nothing is said. */
const Users = Type.Object(
  { local: User, kvm: User, ec2: User, digitalocean: User, physical: User },
  { additionalProperties: false, description: 'of an image: provider -> who logs in over SSH' },
)

/** One name for something that each provider calls otherwise; a size may bring options, a disk for example. */
export const NamedChoice = Type.Object(
  { doc: Doc, on: On, options: Type.Optional(MachineOptions), users: Type.Optional(Users) },
  { additionalProperties: false },
)
export type NamedChoice = Static<typeof NamedChoice>

/** What a type or a preset says of a machine; `presets` come before its own words, the first below the second. */
export const Template = Type.Object(
  {
    doc: Doc,
    presets: Type.Optional(Type.Array(WordName, { maxItems: 16, uniqueItems: true })),
    provider: Type.Optional(ProviderKind),
    account: Type.Optional(Name),
    region: Type.Optional(RegionName),
    size: Type.Optional(SystemSpec.properties.size),
    image: Type.Optional(SystemSpec.properties.image),
    labels: Type.Optional(Labels),
    readiness: Type.Optional(Readiness),
    protected: Type.Optional(Type.Boolean()),
    options: Type.Optional(MachineOptions),
  },
  { additionalProperties: false },
)
export type Template = Static<typeof Template>

/** The schema of a word of each kind. */
export const wordSchemas = {
  sizes: NamedChoice,
  images: NamedChoice,
  regions: NamedChoice,
  types: Template,
  presets: Template,
} as const

const wordsMax = 500
const recordOf = <T extends typeof NamedChoice | typeof Template>(of: T, description: string) =>
  Type.Record(Type.String({ pattern: wordPattern }), of, {
    additionalProperties: false,
    maxProperties: wordsMax,
    description,
  })
/** All words there are, or those of a file: `sizes: {small: {on: {ec2: t3.small}}}`. */
export const Words = Type.Object(
  {
    sizes: Type.Optional(recordOf(NamedChoice, 'what --size takes')),
    images: Type.Optional(recordOf(NamedChoice, 'what --image takes')),
    regions: Type.Optional(recordOf(NamedChoice, 'what --region takes')),
    types: Type.Optional(recordOf(Template, 'what --type takes')),
    presets: Type.Optional(recordOf(Template, 'what --preset takes; the one named `default` is below everything')),
  },
  { additionalProperties: false },
)
export type Words = Static<typeof Words>

/** One word. `shipped`: comes with re-core; saving one of the same name adds to it, removing that brings it back. */
export const Word = Type.Object({
  kind: WordKind,
  name: WordName,
  shipped: Type.Boolean(),
  body: Type.Union([NamedChoice, Template]),
})
export type Word = Static<typeof Word>

/** What applying a file does to one word. */
export const WordChange = Type.Object({
  kind: WordKind,
  name: WordName,
  change: Type.Enum(['added', 'changed', 'removed', 'same']),
  before: Type.Union([NamedChoice, Template, Type.Null()]),
  after: Type.Union([NamedChoice, Template, Type.Null()]),
})
export type WordChange = Static<typeof WordChange>

/** One value of a system's spec, and whose word it is: `given`, `type web`, `preset eu`, `size small`, `provider ec2`. */
export const ResolvedValue = Type.Object({
  path: Type.String({ description: 'of the field, as labels.role' }),
  value: Type.Unknown(),
  from: Type.String(),
})
export type ResolvedValue = Static<typeof ResolvedValue>

/** What `POST /v1/systems` with the same body would make. */
export const SystemsPlan = Type.Object({
  systems: Type.Array(SystemSpec),
  values: Type.Array(ResolvedValue),
  cost: Estimate,
})
export type SystemsPlan = Static<typeof SystemsPlan>

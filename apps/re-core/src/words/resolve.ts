import type { CreateSystems, NamedChoice, ProviderKind, ResolvedValue, Template } from '@re-ops/protocols'
import type { AllWords } from './all.ts'
import { layersOf, WordError, type Layer } from './layers.ts'

/** A value and whose word it is. */
export type Said<T> = { readonly value: T; readonly from: string }
type SaidAll<T> = { [K in keyof T]?: Said<NonNullable<T[K]>> }
type Options = NonNullable<Template['options']>

/** All layers as one: of each field the topmost that says something, of labels and options each key by itself. */
export type Composed = {
  readonly place: SaidAll<Pick<Template, 'provider' | 'account' | 'region'>>
  readonly fields: SaidAll<Pick<Template, 'size' | 'image' | 'readiness' | 'protected'>>
  readonly labels: Readonly<Record<string, Said<string>>>
  readonly options: SaidAll<Options>
}

const saidBy = <T extends object>(from: string, values: T | undefined): SaidAll<T> =>
  Object.fromEntries(
    Object.entries(values ?? {}).flatMap(([key, value]) => (value === undefined ? [] : [[key, { value, from }]])),
  ) as SaidAll<T>

/** Who names another provider means none of the accounts and regions that were said of the one below, and the other way. */
const placed = ({ provider, account, region }: Composed['place'], { from, says }: Layer): Composed['place'] => {
  const said = saidBy(from, { provider: says.provider, account: says.account, region: says.region })
  const otherProvider = said.provider !== undefined && said.provider.value !== provider?.value
  const otherAccount = said.account !== undefined && said.account.value !== account?.value
  return {
    ...(provider === undefined || otherAccount ? {} : { provider }),
    ...(account === undefined || otherProvider ? {} : { account }),
    ...(region === undefined || otherProvider || otherAccount ? {} : { region }),
    ...said,
  }
}

const add = (below: Composed, layer: Layer): Composed => {
  const { from, says } = layer
  const { size, image, readiness } = says
  return {
    place: placed(below.place, layer),
    fields: { ...below.fields, ...saidBy(from, { size, image, readiness, protected: says.protected }) },
    labels: { ...below.labels, ...saidBy(from, says.labels) } as Composed['labels'],
    options: { ...below.options, ...saidBy(from, says.options) },
  }
}

/** What a body asks for, words of all layers composed. Throws WordError. */
export const compose = (words: AllWords, body: CreateSystems): Composed =>
  layersOf(words, body).reduce(add, { place: {}, fields: {}, labels: {}, options: {} })

const fieldOf = { sizes: 'size', images: 'image', regions: 'region' } as const

/** What a word means at a provider; a name that is no word is the provider's own. Throws WordError. */
export const meaningOf = (
  words: AllWords,
  kind: keyof typeof fieldOf,
  said: Said<string>,
  provider: ProviderKind,
): { readonly said: Said<string>; readonly word: NamedChoice | null } => {
  const word = Object.hasOwn(words[kind], said.value) ? words[kind][said.value] : undefined
  if (word === undefined) return { said, word: null }
  const field = fieldOf[kind]
  const value = word.on[provider]
  if (value === undefined)
    throw new WordError(
      `/${field}`,
      `${field} ${said.value} has no meaning at provider ${provider}; allowed: ${Object.keys(word.on).join(', ')}`,
    )
  const from = said.from === 'given' ? `${field} ${said.value}` : `${field} ${said.value} of ${said.from}`
  return { said: { value, from }, word }
}

/** Options of a size come above those of types and presets, and below what was given. */
export const withSizeOptions = (options: Composed['options'], size: Said<string>, word: NamedChoice | null) => {
  const own = saidBy(size.from, word?.options)
  const given = Object.entries(options).filter(([, said]) => said?.from === 'given')
  return { ...options, ...own, ...Object.fromEntries(given) } as Composed['options']
}

/** The bare values. */
export const valuesOf = <T>(said: SaidAll<T> | Readonly<Record<string, Said<unknown>>>) =>
  Object.fromEntries(
    Object.entries(said as Record<string, Said<unknown> | undefined>).flatMap(([key, one]) =>
      one === undefined ? [] : [[key, one.value]],
    ),
  )

/** As a person reads it: `labels.role`, whose word it is. */
export const listSaid = (prefix: string, said: object): ResolvedValue[] =>
  Object.entries(said as Record<string, Said<unknown> | undefined>).flatMap(([key, one]) =>
    one === undefined ? [] : [{ path: `${prefix}${key}`, value: one.value, from: one.from }],
  )

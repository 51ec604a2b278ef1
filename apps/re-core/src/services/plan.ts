import {
  enrolmentToken,
  newId,
  ProviderError,
  type Account,
  type CallHome,
  type CreateSystems,
  type Provider,
  type ResolvedValue,
  type SystemSpec,
  type SystemsPlan,
  type VmSpec,
} from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { specOf } from '../jobs/freeze.ts'
import type { Driver } from '../providers/driver.ts'
import { identityOf } from '../providers/identity.ts'
import type { AllWords } from '../words/all.ts'
import { listAccounts } from '../store/accounts.ts'
import { WordError } from '../words/layers.ts'
import { compose, listSaid, meaningOf, valuesOf, withSizeOptions, type Composed } from '../words/resolve.ts'
import { namedOptions, refuseTakenVolumes, withVolumeNames } from './beside.ts'
import { estimate } from './costs.ts'
import type { Asked, ServiceDeps } from './deps.ts'
import { snapshotFor } from './snapshots.ts'
import { openUserData, type UserData } from './user-data.ts'
import { driverFor, openFor, placeAmong, type Wish } from './where.ts'
import { allWords, wordProblem } from './words.ts'

/** Names of the systems asked for: the name itself, or `name-1..count`. */
const namesOf = ({ name, count }: CreateSystems): string[] =>
  count === undefined ? [name] : Array.from({ length: count }, (_, n) => `${name}-${n + 1}`)

const refuse = (kind: string, title: string, detail: string): never => {
  throw new HttpProblem(422, kind, title, detail)
}

const checkReadiness = (readiness: SystemSpec['readiness'], hasMote: boolean): void => {
  if (readiness === 'ssh') refuse('bad-readiness', 'Readiness is not offered', 'readiness is ssh; allowed: agent, none')
  if (readiness === 'agent' && !hasMote)
    refuse('no-re-mote', 'No agent can call home', 'readiness is agent and re-core has no REMOTE_URL; set it')
}

/** As long as a real one, for what it adds to user-data counts. */
const homeOf = (name: string, labels: CallHome['labels']): CallHome => ({
  url: `https://${'x'.repeat(100)}`,
  token: enrolmentToken('x'.repeat(43), 'x'.repeat(43)),
  name,
  labels: { ...labels, system: newId() },
})

/** Asks the provider for the request it would freeze: what it refuses never becomes a row. */
export const checkSpec = (
  provider: Provider,
  spec: SystemSpec & { readonly imageRef?: string | null; readonly named?: Partial<VmSpec> },
  userData?: string,
  more: (asked: VmSpec) => void = () => {},
): void => {
  try {
    const asked = specOf(spec, spec.readiness === 'agent' ? homeOf(spec.name, spec.labels) : null, userData)
    for (const offering of provider.offerings(asked))
      provider.planCreate(asked, identityOf(newId(), newId(), 1, 0), offering)
    more(asked)
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    refuse('bad-spec', 'The provider cannot make this', error.message)
  }
}

type PlanDeps = Pick<ServiceDeps, 'opener' | 'open' | 'pool' | 'hasMote'>
/** What a body asks for as words have it, at the place it is for, and whose word each value is. */
type Resolved = { readonly driver: Driver; readonly spec: Omit<SystemSpec, 'name'>; readonly values: ResolvedValue[] }

type Known = { readonly words: AllWords; readonly accounts: readonly Account[] }

/** The place, once the provider is known and with it what the region's word means. */
const placeOf = (deps: PlanDeps, { words, accounts }: Known, { place }: Composed) => {
  const wish = valuesOf(place) as Wish
  const { kind } = driverFor(deps, wish, accounts)
  const region = place.region === undefined ? undefined : meaningOf(words, 'regions', place.region, kind).said
  const found = placeAmong(deps, { ...wish, region: region?.value }, accounts)
  const standard = `provider ${kind}`
  const said = {
    provider: place.provider ?? { value: kind, from: place.account === undefined ? 'default' : 'account' },
    account: place.account ?? { value: found.place.account, from: standard },
    region: region ?? { value: found.place.region, from: standard },
  }
  return { ...found, said }
}

const resolve = (deps: PlanDeps, known: Known, body: CreateSystems): Resolved => {
  const { words } = known
  const composed = compose(words, body)
  const { driver, place, said } = placeOf(deps, known, composed)
  const { fields, labels } = composed
  if (driver.caps.given === true)
    refuse(
      'not-made',
      'Its machines are not made',
      `provider is ${driver.kind}: its machines are there; allowed: reops systems import ${place.account} MACHINE --name NAME`,
    )
  const from = `provider ${driver.kind}`
  const size = meaningOf(words, 'sizes', fields.size ?? { value: driver.size, from }, driver.kind)
  const image = meaningOf(words, 'images', fields.image ?? { value: driver.image, from }, driver.kind)
  const options = withSizeOptions(composed.options, size.said, size.word)
  const all = {
    ...said,
    type: body.type === undefined ? { value: 'plain', from: 'default' } : { value: body.type, from: 'given' },
    size: size.said,
    image: image.said,
    readiness: fields.readiness ?? { value: 'agent' as const, from: 'default' },
    protected: fields.protected ?? { value: false, from: 'default' },
  }
  const spec = { ...valuesOf(all), ...place, labels: valuesOf(labels), options: valuesOf(options) }
  return {
    driver,
    spec: spec as Resolved['spec'],
    values: [...listSaid('', all), ...listSaid('labels.', labels), ...listSaid('options.', options)],
  }
}

const asked = async (deps: PlanDeps, body: CreateSystems): Promise<Resolved> => {
  const [words, accounts] = await Promise.all([allWords(deps.pool), listAccounts(deps.pool)])
  try {
    return resolve(deps, { words, accounts }, body)
  } catch (error) {
    if (!(error instanceof WordError)) throw error
    throw wordProblem(error, 'bad-spec', 'A word does not fit')
  }
}

/** `imageRef`: what the image is at the provider, when it is a snapshot. */
export type Planned = Omit<SystemsPlan, 'cost'> & {
  readonly userData: UserData | null
  readonly imageRef: string | null
  readonly provider: Provider
  /** What names in its options are at the provider. */
  readonly named: Partial<VmSpec>
}
/** The body with its words and defaults, checked as far as can be without asking the provider: a bad spec never becomes a row. */
export const planSystems = async (deps: PlanDeps, body: CreateSystems, scopes: Asked['scopes']): Promise<Planned> => {
  const { where, imageRef } = await snapshotFor(deps, body)
  const { spec: given, values } = await asked(deps, { ...body, ...where })
  checkReadiness(given.readiness, deps.hasMote)
  const userData = await openUserData(deps, given.options.userData, scopes)
  const hidden = userData === null ? {} : { userData: userData.shown }
  const spec = { ...given, options: { ...given.options, ...hidden } }
  const systems = withVolumeNames(namesOf(body).map(name => ({ name, ...spec })))
  const tooLong = systems.find(one => one.name.length > 63)
  if (tooLong !== undefined)
    refuse('bad-name', 'A name is too long', `name ${tooLong.name} has ${tooLong.name.length} characters; allowed: 63`)
  const provider = await openFor(deps, spec)
  const named = await namedOptions(provider, spec.options)
  for (const one of systems.slice(0, 1)) checkSpec(provider, { ...one, imageRef, named }, userData?.text)
  await refuseTakenVolumes(provider, systems)
  const shown = values.map(one => (one.path === 'options.userData' ? { ...one, value: userData?.shown } : one))
  return { systems, values: shown, userData, imageRef, provider, named }
}

/** The same for a person: what it would cost, and no user-data. */
export const priceSystems = async (
  deps: ServiceDeps,
  body: CreateSystems,
  scopes: Asked['scopes'],
): Promise<SystemsPlan> => {
  const { systems, values } = await planSystems(deps, body, scopes)
  return { systems, values, cost: await estimate(deps, systems) }
}

import {
  newId,
  ProviderError,
  type CreateSystems,
  type Provider,
  type SystemSpec,
  type VmSpec,
} from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { specOf } from '../jobs/freeze.ts'
import { identityOf } from '../providers/identity.ts'
import type { ServiceDeps } from './deps.ts'
import { snapshotFor } from './snapshots.ts'
import { openFor, placeFor } from './where.ts'

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

/** Asks the provider for the request it would freeze: what it refuses never becomes a row. */
export const checkSpec = (
  provider: Provider,
  spec: SystemSpec & { readonly imageRef?: string | null },
  more: (asked: VmSpec) => void = () => {},
): void => {
  const home = { url: 'http://127.0.0.1', token: '', name: spec.name, labels: {} }
  try {
    const asked = specOf(spec, spec.readiness === 'agent' ? home : null)
    for (const offering of provider.offerings(asked))
      provider.planCreate(asked, identityOf(newId(), newId(), 1, 0), offering)
    more(asked)
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    refuse('bad-spec', 'The provider cannot make this', error.message)
  }
}

type PlanDeps = Pick<ServiceDeps, 'opener' | 'open' | 'pool' | 'hasMote'>
/** What is asked for, and what its image is at the provider when that is a snapshot. */
export type PlannedSystem = SystemSpec & { readonly imageRef: string | null }

/** The body with its defaults, checked as far as can be without asking the provider: a bad spec never becomes a row. */
export const planSystems = async (deps: PlanDeps, body: CreateSystems): Promise<PlannedSystem[]> => {
  const { where, imageRef } = await snapshotFor(deps, body)
  const { driver, place } = await placeFor(deps, where)
  const readiness = where.readiness ?? 'agent'
  checkReadiness(readiness, deps.hasMote)
  const specs = namesOf(body).map(name => ({
    name,
    ...place,
    type: body.type ?? 'plain',
    size: body.size ?? driver.size,
    image: body.image ?? driver.image,
    imageRef,
    labels: body.labels ?? {},
    readiness,
    protected: body.protected ?? false,
    options: body.options ?? {},
  }))
  const tooLong = specs.find(spec => spec.name.length > 63)
  if (tooLong !== undefined)
    refuse('bad-name', 'A name is too long', `name ${tooLong.name} has ${tooLong.name.length} characters; allowed: 63`)
  const provider = await openFor(deps, place)
  for (const spec of specs.slice(0, 1)) checkSpec(provider, spec)
  return specs
}

import { newId, ProviderError, type CreateSystems, type SystemSpec } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { identityOf } from '../providers/identity.ts'
import type { ServiceDeps } from './deps.ts'

/** Names of the systems asked for: the name itself, or `name-1..count`. */
const namesOf = ({ name, count }: CreateSystems): string[] =>
  count === undefined ? [name] : Array.from({ length: count }, (_, n) => `${name}-${n + 1}`)

const refuse = (kind: string, title: string, detail: string): never => {
  throw new HttpProblem(422, kind, title, detail)
}

/** The body with its defaults, checked as far as can be without asking anyone: a bad spec never becomes a row. */
export const planSystems = (deps: Pick<ServiceDeps, 'providers' | 'hasMote'>, body: CreateSystems): SystemSpec[] => {
  const kind = body.provider ?? 'local'
  const entry = deps.providers.get(kind)
  if (entry === undefined) {
    const allowed = [...deps.providers.keys()].join(', ')
    return refuse('provider-not-offered', 'No such provider here', `provider is ${kind}; allowed: ${allowed}`)
  }
  const readiness = body.readiness ?? 'agent'
  if (readiness === 'ssh')
    return refuse('bad-readiness', 'Readiness is not offered', 'readiness is ssh; allowed: agent, none')
  if (readiness === 'agent' && !deps.hasMote)
    return refuse('no-re-mote', 'No agent can call home', 'readiness is agent and re-core has no REMOTE_URL; set it')
  const specs = namesOf(body).map(name => ({
    name,
    provider: kind,
    type: body.type ?? 'plain',
    size: body.size ?? entry.size,
    image: body.image ?? entry.image,
    labels: body.labels ?? {},
    readiness,
    protected: body.protected ?? false,
  }))
  const tooLong = specs.find(spec => spec.name.length > 63)
  if (tooLong !== undefined)
    return refuse(
      'bad-name',
      'A name is too long',
      `name ${tooLong.name} has ${tooLong.name.length} characters; allowed: 63`,
    )
  for (const { name, type, size, image } of specs.slice(0, 1)) {
    const callHome = readiness === 'agent' ? { url: 'http://127.0.0.1', token: '', name, labels: {} } : null
    try {
      entry.provider.planCreate({ name, type, size, image, callHome }, identityOf(newId(), newId(), 1, 0))
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      return refuse('bad-spec', 'The provider cannot make this', error.message)
    }
  }
  return specs
}

import { ProviderError, type Accepted, type Provider, type Volume, type VolumeApi } from '@re-ops/protocols'
import type { OpRow } from '../store/row.ts'
import type { Attempt, Deps } from './attempt.ts'
import type { Progress } from './decide.ts'

export const volumesOf = ({ volumes, kind }: Pick<Provider, 'volumes' | 'kind'>): VolumeApi => {
  if (volumes !== undefined) return volumes
  throw new ProviderError('unsupported', 'not-applied', `provider ${kind} has no volumes`)
}

const refuse = (kind: 'not-found' | 'conflict', text: string): never => {
  throw new ProviderError(kind, 'not-applied', text)
}

const find = async ({ provider, signal }: Attempt, { volume }: OpRow): Promise<Volume | undefined> =>
  (await volumesOf(provider).list(signal)).find(one => one.name === volume)

/** Attaches or detaches it; what is so already is left so, and what is another machine's is not touched. */
export const moveVolume = async (deps: Deps, attempt: Attempt, op: OpRow): Promise<Accepted> => {
  const { row, provider, signal } = attempt
  const volumes = volumesOf(provider)
  const machine = row.ref ?? ''
  const found = await find(attempt, op)
  if (found === undefined) return refuse('not-found', `there is no volume ${op.volume} any more`)
  const { ref, attachedTo, name } = found
  await deps.at?.(`${op.kind}.before`, row.id)
  if (op.kind === 'detach') return attachedTo === machine ? volumes.detach(ref, signal) : { ref }
  if (attachedTo !== null && attachedTo !== machine)
    return refuse('conflict', `volume ${name} is attached to ${attachedTo}; detach it first`)
  return volumes.attach(ref, machine, signal)
}

/** Done when the provider says so and shows it. */
export const lookAtVolume = async (attempt: Attempt, op: OpRow): Promise<Progress> => {
  const { row, provider, signal } = attempt
  if (op.opRef !== null) {
    const progress = await provider.pollOp(op.opRef, signal)
    if (progress !== 'done') return progress
  }
  const found = await find(attempt, op)
  const isThere = found?.attachedTo === row.ref
  return isThere === (op.kind === 'attach') ? 'done' : 'running'
}

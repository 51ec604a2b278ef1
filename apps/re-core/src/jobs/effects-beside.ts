import { ProviderError, type FirewallApi, type Provider } from '@re-ops/protocols'
import type { BesideVolume } from '../store/beside-volumes.ts'
import type { Attempt, Deps, Outcome } from './attempt.ts'
import { besideText, nextBeside, type Beside } from './beside.ts'
import { volumesOf } from './effects-volume.ts'
import { written } from './written.ts'

/** What asking again does not mend; what is scarce or not seen yet is asked for again. */
const hopeless: ReadonlySet<string> = new Set(['invalid', 'unsupported', 'conflict', 'protected', 'bug'])

const refuse = (kind: 'invalid' | 'conflict' | 'unsupported' | 'not-found', text: string): never => {
  throw new ProviderError(kind, 'not-applied', text)
}
const firewallsOf = ({ firewalls, kind }: Provider): FirewallApi =>
  firewalls ?? refuse('unsupported', `provider ${kind} has no firewalls`)

/** The same with what it is about in front. */
const about = (what: string, { kind, outcome, message, retryAfterMs }: ProviderError): ProviderError =>
  new ProviderError(kind, outcome, `${what}: ${message}`, retryAfterMs === undefined ? {} : { retryAfterMs })

/** Puts the next firewall or volume in place. One that cannot be says which it is; what is in place stays. */
export const putBeside = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row } = attempt
  const one = nextBeside(row)
  if (one === undefined) throw new Error('decided about what is in place already')
  try {
    return one.kind === 'firewall' ? await protect(deps, attempt, one.name) : await putVolume(deps, attempt, one)
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    const told = about(besideText(row), error)
    if (error.outcome !== 'not-applied' || !hopeless.has(error.kind)) throw told
    const reason = `${told.message}; the machine and what is in place are kept: start tries again, destroy removes them`
    return { kind: 'failed', reason }
  }
}

const inPlace = (deps: Deps, attempt: Attempt): Promise<Outcome> =>
  written(deps, attempt, { besideDone: attempt.row.besideDone + 1, opRef: null, attempt: 0, reason: null })

/** What the provider still did is over. `why`: it did not do it; it is asked again. */
export const besideOver = (deps: Deps, attempt: Attempt, why: string | null): Promise<Outcome> =>
  why === null
    ? inPlace(deps, attempt)
    : Promise.resolve({ kind: 'pause', reason: `${besideText(attempt.row)}: ${why}`, changes: { opRef: null } })

const protect = async (deps: Deps, attempt: Attempt, name: string): Promise<Outcome> => {
  const { row, provider, signal } = attempt
  const firewalls = firewallsOf(provider)
  const all = await firewalls.list(signal)
  const found = all.find(one => one.name === name)
  if (found === undefined)
    return refuse('invalid', `there is none of that name any more; there are: ${all.map(one => one.name).join(', ')}`)
  await deps.at?.('beside.protect', row.id)
  await firewalls.protect(found.ref, row.ref ?? '', signal)
  await deps.at?.('beside.protected', row.id)
  return inPlace(deps, attempt)
}

const putVolume = async (
  deps: Deps,
  attempt: Attempt,
  wanted: Extract<Beside, { kind: 'volume' }>,
): Promise<Outcome> => {
  const { row, provider, signal } = attempt
  const known = await deps.store.volumes.claim(row, wanted.name)
  if (known === null) return refuse('conflict', 'another volume has taken that name')
  if (known.ref === null) return makeVolume(deps, attempt, wanted, known)
  await deps.at?.('beside.attach', row.id)
  const { opRef } = await volumesOf(provider).attach(known.ref, row.ref ?? '', signal)
  await deps.at?.('beside.attached', row.id)
  return opRef === undefined ? inPlace(deps, attempt) : written(deps, attempt, { opRef })
}

/**
 * `sent_at` is committed first, after a look that nobody else has the name there: from then on what has the name is
 * ours, and asking again is the same volume.
 */
const makeVolume = async (
  deps: Deps,
  attempt: Attempt,
  { name, sizeGb }: Extract<Beside, { kind: 'volume' }>,
  known: BesideVolume,
): Promise<Outcome> => {
  const { row, provider, signal, seen } = attempt
  const volumes = volumesOf(provider)
  const isFirst = known.sentAt === null
  if (isFirst) {
    if ((await volumes.list(signal)).some(one => one.name === name))
      return refuse('conflict', 'the provider has another volume of that name')
    if (!(await deps.store.volumes.send(row, known.id, deps.now()))) return { kind: 'fenced' }
  }
  await deps.at?.('beside.sent', row.id)
  const zone = seen.instance?.state === 'present' ? seen.instance.vm.zone : undefined
  const asked = { name, sizeGb, token: `rcv1-${known.id}`, ...(zone === undefined ? {} : { zone }) }
  const made = await volumes.ensure(asked, signal).catch(async (error: unknown) => {
    if (isFirst && error instanceof ProviderError && error.outcome === 'not-applied')
      await deps.store.volumes.send(row, known.id, null)
    throw error
  })
  await deps.at?.('beside.answered', row.id)
  if (await deps.store.volumes.made(known.id, made)) return { kind: 'go', row, pending: attempt.pending, seen: {} }
  // Its system has ended meanwhile, and nobody looks for it any more.
  await volumes.delete(made.ref, signal)
  return { kind: 'fenced' }
}

/** One volume of a system that ends, with all in it. One that was asked for and does not show may still come. */
export const endVolume = async (deps: Deps, attempt: Attempt, volume: BesideVolume): Promise<Outcome> => {
  const { row, provider, signal } = attempt
  const go: Outcome = { kind: 'go', row, pending: attempt.pending, seen: {} }
  const { id, name, sentAt } = volume
  try {
    const volumes = volumesOf(provider)
    const look = async () => (await volumes.list(signal)).find(one => one.name === name)?.ref
    const ref = volume.ref ?? (sentAt === null ? undefined : await look())
    if (ref === undefined && sentAt !== null) {
      const landedBy = sentAt + provider.caps.latestLandingMs + provider.caps.maxVisibilityLagMs
      const reason = `waiting until volume ${name}, which was asked for, can no longer come`
      if (deps.now() < landedBy) return { kind: 'pause', reason, afterMs: landedBy - deps.now() }
    }
    await deps.at?.('end-volume.before', row.id)
    if (ref !== undefined) await volumes.delete(ref, signal)
    await deps.at?.('end-volume.after', row.id)
  } catch (error) {
    throw error instanceof ProviderError ? about(`volume ${name}`, error) : error
  }
  await deps.store.volumes.forget(id)
  return go
}

export const keepVolumes = async (deps: Deps, { row, pending }: Attempt): Promise<Outcome> => {
  await deps.store.volumes.free(row)
  return { kind: 'go', row, pending, seen: { volumes: [] } }
}

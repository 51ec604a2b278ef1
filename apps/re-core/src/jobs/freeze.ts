import {
  enrolmentToken,
  newSecret,
  parseEnrolmentToken,
  ProviderError,
  secretHash,
  type CallHome,
  type CreateRequest,
} from '@re-ops/protocols'
import { identityOf } from '../providers/identity.ts'
import { MoteError, type Mote } from '../mote.ts'
import type { SystemRow } from '../store/row.ts'
import type { Attempt, Deps, Outcome } from './attempt.ts'

/** What a sealed request is bound to: it opens only for the life it was frozen for. */
export const requestContext = (row: SystemRow): string => ['request', row.id, row.generation, row.candidate].join('|')

/** Labels its host carries: the person's own, what it is, and the one that stays the same through every reload. */
const hostLabels = (row: SystemRow) => ({
  role: row.type,
  provider: row.provider,
  ...row.labels,
  system: row.id,
})

const callHome = async (row: SystemRow, mote: Mote, signal: AbortSignal): Promise<CallHome> => ({
  url: mote.url,
  token: enrolmentToken(newSecret(), await mote.root(signal)),
  name: row.name,
  labels: hostLabels(row),
})

export const noMote = 're-core has no REMOTE_URL, so no agent can call home'

/** Makes the enrolment token and the create request and stores both sealed, before anyone hears of them. */
export const freeze = async (deps: Deps, { row, pending, signal }: Attempt): Promise<Outcome> => {
  const { mote } = deps
  if (row.readiness === 'agent' && mote === null) return { kind: 'pause', reason: noMote }
  try {
    const home = row.readiness === 'agent' && mote !== null ? await callHome(row, mote, signal) : null
    const identity = identityOf(deps.installation, row.id, row.generation, row.candidate)
    const { name, type, size, image } = row
    const request = deps.provider(row.provider).planCreate({ name, type, size, image, callHome: home }, identity)
    const frozenRequest = deps.cipher.seal(JSON.stringify(request), requestContext(row))
    const written = await deps.store.write(row, { ...pending, frozenRequest }, deps.now())
    return written === null ? { kind: 'fenced' } : { kind: 'go', row: written, seen: {} }
  } catch (error) {
    if (error instanceof MoteError) return { kind: 'pause', reason: error.message }
    if (error instanceof ProviderError) return { kind: 'failed', reason: error.message }
    throw error
  }
}

/** The request as it was frozen. */
export const openRequest = (deps: Deps, row: SystemRow): CreateRequest => {
  if (row.frozenRequest === null) throw new ProviderError('bug', 'not-applied', 'nothing was frozen')
  try {
    return JSON.parse(deps.cipher.open(row.frozenRequest, requestContext(row))) as CreateRequest
  } catch (error) {
    throw new ProviderError('bug', 'not-applied', `the stored request cannot be opened: ${(error as Error).message}`)
  }
}

/** Lets re-mote know the token's hash. Asking again is the same enrolment. */
export const register = async (deps: Deps, { row, pending, signal }: Attempt): Promise<Outcome> => {
  const { mote } = deps
  if (mote === null) return { kind: 'pause', reason: noMote }
  const { token } = openRequest(deps, row).body['callHome'] as CallHome
  const secret = parseEnrolmentToken(token)?.secret
  if (secret === undefined) return { kind: 'failed', reason: 'bug: the frozen token is not one' }
  const { id: system, generation, candidate, name } = row
  try {
    await mote.register(
      { system, generation, candidate, name, labels: hostLabels(row), tokenHash: secretHash(secret) },
      signal,
    )
  } catch (error) {
    if (!(error instanceof MoteError)) throw error
    return { kind: 'pause', reason: error.message }
  }
  // Written together with `sent_at`: asking again is harmless, and one write less stands before the create call.
  const registered = { registeredAt: deps.now() }
  return { kind: 'go', row: { ...row, ...registered }, seen: {}, pending: { ...pending, ...registered } }
}

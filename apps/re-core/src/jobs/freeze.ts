import {
  enrolmentToken,
  newSecret,
  parseEnrolmentToken,
  ProviderError,
  secretHash,
  type CallHome,
  type CreateRequest,
  type MachineOptions,
  type Offering,
  type SystemSpec,
  type VmSpec,
} from '@re-ops/protocols'
import { identityOf } from '../providers/identity.ts'
import { named } from '../providers/named.ts'
import { MoteError, type Mote } from '../mote.ts'
import type { SystemRow } from '../store/row.ts'
import { offeringKey } from '../store/scarce.ts'
import type { Attempt, Deps, Outcome } from './attempt.ts'
import { userDataOfRow } from './user-data.ts'

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

/** Options that are names or references: what they mean is looked up first. */
const lookedUp: ReadonlySet<string> = new Set(['userData', 'keys', 'firewalls', 'volumes'])
const given = (options: MachineOptions): Partial<VmSpec> =>
  Object.fromEntries(Object.entries(options).filter(([key, value]) => !lookedUp.has(key) && value !== undefined))

/** The machine as its provider is asked for it. */
export const specOf = (
  row: Omit<SystemSpec, 'readiness'> &
    Partial<Pick<SystemRow, 'leaseExpiresAt' | 'imageRef'>> & { readonly named?: Partial<VmSpec> },
  home: CallHome | null,
  userData?: string,
): VmSpec => ({
  name: row.name,
  type: row.type,
  size: row.size,
  image: row.imageRef ?? row.image,
  callHome: home,
  tags: row.labels,
  ...(row.protected ? { protected: true } : {}),
  ...(typeof row.leaseExpiresAt !== 'number' ? {} : { expiresAt: new Date(row.leaseExpiresAt).toISOString() }),
  ...(typeof row.imageRef === 'string' ? { isClone: true } : {}),
  ...given(row.options),
  ...(row.options.volumes?.length ? { volumes: row.options.volumes.length } : {}),
  ...row.named,
  ...(userData === undefined ? {} : { userData }),
})

/** What its options name at the provider, and where volumes of an earlier life are. Throws ProviderError. */
const lookUp = async (deps: Deps, { row, provider, signal }: Attempt): Promise<Partial<VmSpec>> => {
  const { options } = row
  const isBeside = (options.volumes ?? []).length > 0
  const zone = isBeside ? (await deps.store.volumes.of(row)).find(one => one.zone !== null)?.zone : null
  return {
    ...(await named(provider, options, signal)),
    ...(provider.caps.zones && typeof zone === 'string' ? { zones: [zone] } : {}),
  }
}

/** Of the places where it could be had the next one that had something lately; else how long until one is tried again. */
const choose = async (deps: Deps, { row, provider }: Attempt, spec: VmSpec): Promise<Offering | number> => {
  const all = provider.offerings(spec)
  const now = deps.now()
  const scarce = await deps.store.scarce(row, now)
  const turned = all.map((_, n) => all[(row.candidate + n) % all.length] as Offering)
  const free = turned.find(offering => !scarce.has(offeringKey(offering)))
  if (free !== undefined) return free
  return Math.min(...turned.map(offering => scarce.get(offeringKey(offering)) ?? now)) - now
}

/** What a provider makes of `callHome` is its own affair; re-mote is told of the same token. */
type FrozenRequest = CreateRequest & { readonly callHome?: CallHome | null }

/** Makes the enrolment token and the create request and stores both sealed, before anyone hears of them. */
export const freeze = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row, pending, signal, provider } = attempt
  const { mote } = deps
  if (row.readiness === 'agent' && mote === null) return { kind: 'pause', reason: noMote }
  try {
    const home = row.readiness === 'agent' && mote !== null ? await callHome(row, mote, signal) : null
    const identity = identityOf(deps.installation, row.id, row.generation, row.candidate)
    const spec = specOf({ ...row, named: await lookUp(deps, attempt) }, home, await userDataOfRow(deps, row))
    const offering = await choose(deps, attempt, spec)
    if (typeof offering === 'number')
      return { kind: 'pause', reason: 'nothing to be had in any place that was asked for', afterMs: offering }
    const request: FrozenRequest = { ...provider.planCreate(spec, identity, offering), callHome: home }
    const frozenRequest = deps.cipher.seal(JSON.stringify(request), requestContext(row))
    const written = await deps.store.write(
      row,
      {
        ...pending,
        frozenRequest,
        protectedThere: row.protected,
        leaseThere: row.leaseExpiresAt,
        nameThere: row.name,
        labelsThere: row.labels,
      },
      deps.now(),
    )
    if (written === null) return { kind: 'fenced' }
    const ahead = provider.lookAhead?.(request, signal)
    // Who creates hears of it.
    ahead?.catch(() => {})
    return { kind: 'go', row: written, seen: {}, ahead }
  } catch (error) {
    if (error instanceof MoteError) return { kind: 'pause', reason: error.message }
    // Its account is asked for what names mean; all else that may fail is the request itself.
    if (error instanceof ProviderError && final.has(error.kind)) return { kind: 'failed', reason: error.message }
    throw error
  }
}
const final: ReadonlySet<string> = new Set(['invalid', 'unsupported', 'bug'])

/** The request as it was frozen. */
export const openRequest = (deps: Deps, row: SystemRow): FrozenRequest => {
  if (row.frozenRequest === null) throw new ProviderError('bug', 'not-applied', 'nothing was frozen')
  try {
    return JSON.parse(deps.cipher.open(row.frozenRequest, requestContext(row))) as FrozenRequest
  } catch (error) {
    throw new ProviderError('bug', 'not-applied', `the stored request cannot be opened: ${(error as Error).message}`)
  }
}

/** Lets re-mote know the token's hash. Asking again is the same enrolment. */
export const register = async (deps: Deps, { row, pending, signal }: Attempt): Promise<Outcome> => {
  const { mote } = deps
  if (mote === null) return { kind: 'pause', reason: noMote }
  const request = openRequest(deps, row)
  // Those that were frozen by the first release have it in their body alone.
  const { token } = request.callHome ?? (request.body['callHome'] as CallHome)
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

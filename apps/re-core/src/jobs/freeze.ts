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
  type Provider,
  type SystemSpec,
  type VmSpec,
} from '@re-ops/protocols'
import { identityOf } from '../providers/identity.ts'
import { named } from '../providers/named.ts'
import { MoteError } from '../mote.ts'
import type { SystemRow } from '../store/row.ts'
import type { Changes } from '../store/systems.ts'
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

const callHome = (row: SystemRow, url: string, root: string): CallHome => ({
  url,
  token: enrolmentToken(newSecret(), root),
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

type Scarce = ReadonlyMap<string, number>
/** Of the places where it could be had the next one that had something lately; else until when none is tried again. */
const choose = (row: SystemRow, provider: Provider, spec: VmSpec, scarce: Scarce): Offering | number => {
  const all = provider.offerings(spec)
  const turned = all.map((_, n) => all[(row.candidate + n) % all.length] as Offering)
  const free = turned.find(offering => !scarce.has(offeringKey(offering)))
  if (free !== undefined) return free
  return Math.min(...turned.map(offering => scarce.get(offeringKey(offering)) ?? 0))
}

/** What a provider makes of `callHome` is its own affair; re-mote is told of the same token. */
type FrozenRequest = CreateRequest & { readonly callHome?: CallHome | null }

/** What the request of a row's life is made of. `home`: null where no agent calls home. */
type Making = {
  readonly row: SystemRow
  readonly provider: Provider
  readonly home: CallHome | null
  readonly named: Partial<VmSpec>
  readonly userData: string | undefined
  readonly scarce: Scarce
}
type Frozen = { readonly request: FrozenRequest; readonly changes: Changes }

/** The request, and the row that holds it sealed; a number: until when there is nothing to be had. */
const makeRequest = (deps: Pick<Deps, 'installation' | 'cipher'>, making: Making): Frozen | number => {
  const { row, provider, home, named: meant, userData, scarce } = making
  const spec = specOf({ ...row, named: meant }, home, userData)
  const offering = choose(row, provider, spec, scarce)
  if (typeof offering === 'number') return offering
  const identity = identityOf(deps.installation, row.id, row.generation, row.candidate)
  const request: FrozenRequest = { ...provider.planCreate(spec, identity, offering), callHome: home }
  const changes = {
    frozenRequest: deps.cipher.seal(JSON.stringify(request), requestContext(row)),
    protectedThere: row.protected,
    leaseThere: row.leaseExpiresAt,
    nameThere: row.name,
    labelsThere: row.labels,
  }
  return { request, changes }
}

/** Of a system that is about to be written down, whose options were looked up already. */
export type NewMaking = Omit<Making, 'home' | 'userData'> & { readonly userData: string | null }

/** Freezes the request of a new system with what is at hand, to be stored with its row; null: the attempt has to. */
export const freezeNew = (deps: Pick<Deps, 'installation' | 'cipher' | 'mote'>, making: NewMaking): Changes | null => {
  const { row } = making
  const root = deps.mote?.rootAtHand() ?? null
  if (row.readiness === 'agent' && root === null) return null
  const home = row.readiness === 'agent' && root !== null ? callHome(row, deps.mote?.url ?? '', root) : null
  try {
    const made = makeRequest(deps, { ...making, home, userData: making.userData ?? undefined })
    return typeof made === 'number' ? null : made.changes
  } catch (error) {
    if (error instanceof ProviderError) return null
    throw error
  }
}

/** Makes the enrolment token and the create request and stores both sealed, before anyone hears of them. */
export const freeze = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row, pending, signal, provider } = attempt
  const { mote } = deps
  if (row.readiness === 'agent' && mote === null) return { kind: 'pause', reason: noMote }
  try {
    const home = row.readiness === 'agent' && mote !== null ? callHome(row, mote.url, await mote.root(signal)) : null
    const made = makeRequest(deps, {
      row,
      provider,
      home,
      named: await lookUp(deps, attempt),
      userData: await userDataOfRow(deps, row),
      scarce: await deps.store.scarce(row, deps.now()),
    })
    if (typeof made === 'number') {
      const reason = 'nothing to be had in any place that was asked for'
      return { kind: 'pause', reason, afterMs: made - deps.now() }
    }
    const { request, changes } = made
    const written = await deps.store.write(row, { ...pending, ...changes }, deps.now())
    if (written === null) return { kind: 'fenced' }
    const ahead = attempt.ahead ?? provider.lookAhead?.(request, signal)
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

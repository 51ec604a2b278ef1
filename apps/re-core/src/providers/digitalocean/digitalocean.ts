import {
  ProviderError,
  type Accepted,
  type Ahead,
  type Caps,
  type CreateRequest,
  type Provider,
} from '@re-ops/protocols'
import type { Place } from '../driver.ts'
import { act, findOp, pollOp } from './act.ts'
import { doCaps, doLimits } from './caps.ts'
import { catalog, quota, verify } from './catalog.ts'
import { hasTurn, turnAhead } from '../turn.ts'
import { creating, makeCall, takeTurn, type DoCall } from './client.ts'
import { children, destroy } from './destroy.ts'
import { classifyDo } from './errors.ts'
import { makeFirewalls } from './firewalls.ts'
import { makeImages } from './images.ts'
import { makeKeys } from './keys.ts'
import { suffixOf } from './marks.ts'
import { findByIdentity, list, makeNamed, makeObserve, type Droplet } from './observe.ts'
import { offerings, planCreate, type DropletRequest } from './plan.ts'
import { tokenOf, type DoSettings } from './settings.ts'
import { makeVolumes } from './volumes.ts'

export type DoDeps = {
  /** Instead of what the account's settings say; tests and the proof kit. */
  readonly endpoint?: string
  /** Other times than DigitalOcean's own, for a stand-in whose times are known. */
  readonly caps?: Partial<Pick<Caps, 'maxVisibilityLagMs' | 'latestLandingMs'>>
}
type Made = {
  readonly droplet: Droplet
  readonly links?: { readonly actions?: readonly { id: number; rel: string }[] }
}

const requestOf = ({ identity, body }: CreateRequest): DropletRequest => {
  const request = body as DropletRequest
  if (typeof request.name !== 'string' || !request.name.endsWith(suffixOf(identity)))
    throw new ProviderError('bug', 'not-applied', 'the request was not made for this identity')
  return request
}

/** The oldest one of its name. */
const lookAhead = async (
  named: ReturnType<typeof makeNamed>,
  request: CreateRequest,
  signal: AbortSignal,
): Promise<Ahead> => {
  const oldest = await named(requestOf(request).name, signal)
  return { found: oldest === undefined ? null : { ref: String(oldest.id) }, turnAt: null }
}

const create = async (call: DoCall, request: CreateRequest, signal: AbortSignal, ahead: Ahead): Promise<Accepted> => {
  const body = requestOf(request)
  const kind = { ...creating, hasTurn: hasTurn(ahead) }
  const { droplet, links } = await call(kind, signal, (_api, http) => http.post<Made>('/droplets', body))
  const action = links?.actions?.find(one => one.rel === 'create')
  return { ref: String(droplet.id), ...(action === undefined ? {} : { opRef: String(action.id) }) }
}

/** It has one in its control panel and none that a program can open. */
const noConsole = (ref: string): never => {
  const panel = `https://cloud.digitalocean.com/droplets/${encodeURIComponent(ref)}/console`
  const text = `DigitalOcean has no console for programs: open ${panel} in a browser, or use reops ssh`
  throw new ProviderError('unsupported', 'not-applied', text)
}

/** Droplets of DigitalOcean. */
export const makeDigitalOcean = (deps: DoDeps, { account, region, limiter }: Place): Provider => {
  const settings = account.settings as DoSettings
  const endpoint = deps.endpoint ?? settings.endpoint
  const call = makeCall({ endpoint, token: tokenOf(account.secret), limiter })
  const named = makeNamed(call)
  return {
    kind: 'digitalocean',
    caps: { ...doCaps, ...deps.caps },
    offerings,
    planCreate: (spec, identity) => planCreate(settings, region, spec, identity),
    lookAhead: (request, signal) => lookAhead(named, request, signal),
    turnAhead: signal => turnAhead(() => takeTurn(limiter, creating, signal)),
    // Looks for its name first, for there is no token: asked again, it answers the one that is there.
    create: async (request, signal, given) => {
      const ahead = given ?? (await lookAhead(named, request, signal))
      return ahead.found ?? create(call, request, signal, ahead)
    },
    findByIdentity: (identity, signal) => findByIdentity(call, identity, signal),
    observe: makeObserve(call),
    list: (scope, signal) => list(call, region, scope, signal),
    act: (ref, action, _op, signal) => act(call, ref, action, signal),
    pollOp: (opRef, signal) => pollOp(call, opRef, signal),
    findOp: (ref, kind, op, signal) => findOp(call, ref, kind, op, signal),
    destroy: async (ref, plan, signal) => (await destroy(call, ref, plan, signal), { ref }),
    children: (ref, signal) => children(call, ref, signal),
    catalog: signal => catalog(call, region, signal),
    quota: signal => quota(call, signal),
    verifyCredentials: signal => verify(call, signal),
    classify: classifyDo,
    limits: () => doLimits,
    console: async ref => noConsole(ref),
    volumes: makeVolumes(call, region),
    images: makeImages(call),
    keys: makeKeys(call),
    firewalls: makeFirewalls(call),
  }
}

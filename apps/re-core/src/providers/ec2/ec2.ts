import type { Caps, Provider } from '@re-ops/protocols'
import { plainError } from '../plain.ts'
import { hasTurn, turnAhead } from '../turn.ts'
import type { Place } from '../driver.ts'
import { act } from './act.ts'
import { ec2Caps, ec2Limits } from './caps.ts'
import { catalog, verify } from './catalog.ts'
import { creating, makeCall } from './client.ts'
import { openConsole } from './console.ts'
import { children, destroy } from './destroy.ts'
import { classifyEc2 } from './errors.ts'
import { makeFirewalls } from './firewalls.ts'
import { makeImages } from './images.ts'
import { makeKeys } from './keys.ts'
import { findByIdentity, list, makeObserve } from './observe.ts'
import { offerings, planCreate } from './plan.ts'
import { credentialsOf, type Ec2Settings } from './settings.ts'
import { makeVolumes } from './volumes.ts'

export type Ec2Deps = {
  /** Instead of what the account's settings say; tests and the proof kit. */
  readonly endpoint?: string
  /** Other times than EC2's own, for a stand-in whose times are known. */
  readonly caps?: Partial<Pick<Caps, 'maxVisibilityLagMs' | 'latestLandingMs'>>
}

/** Virtual machines of Amazon EC2, or of a server that speaks its API. */
export const makeEc2 = (deps: Ec2Deps, { account, region, limiter }: Place): Provider => {
  const settings = account.settings as Ec2Settings
  const endpoint = deps.endpoint ?? settings.endpoint
  const call = makeCall({ region, endpoint, credentials: credentialsOf(account.secret), limiter })
  const observe = makeObserve(call)
  return {
    kind: 'ec2',
    caps: { ...ec2Caps, ...deps.caps },
    offerings: spec => offerings(settings, spec),
    planCreate: (spec, identity, offering) => planCreate(settings, spec, identity, offering),
    turnAhead: signal => turnAhead(() => limiter.take(creating.family, creating.callClass, signal)),
    create: async ({ body }, signal, ahead) => {
      const kind = { ...creating, hasTurn: hasTurn(ahead) }
      const answer = await call(kind, signal, (client, options) => client.runInstances(body as never, options))
      const ref = answer.Instances?.[0]?.InstanceId
      if (ref === undefined) throw plainError(new Error('EC2 answered RunInstances without an instance'), true)
      return { ref }
    },
    findByIdentity: (identity, signal) => findByIdentity(call, identity, signal),
    observe,
    list: (scope, signal) => list(call, scope, signal),
    act: async (ref, action, _op, signal) => (await act(call, ref, action, signal), { ref }),
    pollOp: async () => 'done',
    // EC2 keeps no history of what was asked of a machine.
    findOp: async () => 'cannot-tell',
    destroy: async (ref, plan, signal) => (await destroy(call, ref, plan, signal), { ref }),
    children: (ref, signal) => children(call, ref, signal),
    catalog: signal => catalog(call, region, signal),
    // Limits stand in another service (Service Quotas), which asks for more permissions than we want.
    quota: async () => [],
    verifyCredentials: signal => verify(call, signal),
    classify: classifyEc2,
    console: (ref, _options, signal) => openConsole(call, ref, signal),
    limits: () => ec2Limits,
    volumes: makeVolumes(call, region),
    images: makeImages(call),
    keys: makeKeys(call),
    firewalls: makeFirewalls(call, settings.vpc),
  }
}

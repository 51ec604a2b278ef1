import { agentPrefix, type DeployAgents } from '@re-ops/protocols'
import type { Pool } from '@re-ops/service'
import type { AuditEntry } from '../store/audit.ts'
import {
  findDeployHost,
  retireIdentity,
  revokeHostEnrolments,
  setAgentPlace,
  type AgentPlace,
  type DeployHost,
} from '../store/agents.ts'
import { createEnrolment, type EnrolmentDeps } from '../services/enrolments.ts'
import type { AgentBundle } from './bundle.ts'
import { withHostShell, type HostShellDeps } from './host-shell.ts'
import { makePlace, type Place } from './place.ts'
import { probe } from './probe.ts'
import { failed, type Ended, type Phase } from './steps.ts'

export type DeployDeps = {
  readonly pool: Pool
  readonly ssh: HostShellDeps
  readonly enrolments: EnrolmentDeps
  /** The epoch of the host's session, when it has one. */
  epochOf(host: string): number | undefined
  /** Ends the session of an identity that is accepted no more. */
  endSession(host: string, reason: string): void
  hostChanged(host: string): void
  audit(entry: AuditEntry): void
}
export type DeployOrder = {
  readonly bundle: AgentBundle
  readonly url: string
  readonly asked: DeployAgents
  readonly subject: string
}

const homeMsDefault = 60_000
const homeAskMs = 200
/** A token lives as long as its deployment may take, and is revoked when that fails. */
const tokenMs = 30 * 60_000

/** Whether an agent of this build has a session, in time: the one that it takes after `after`. */
const calledHome = async (
  deps: DeployDeps,
  { host, build, after, ms }: { host: string; build: string; after: number | undefined; ms: number },
  signal: AbortSignal,
): Promise<boolean> => {
  for (const deadline = performance.now() + ms; performance.now() < deadline;) {
    const epoch = deps.epochOf(host)
    if (epoch !== undefined && epoch !== after) {
      const found = await findDeployHost(deps.pool, host)
      if (found?.version?.endsWith(`+${build}`)) return true
    }
    signal.throwIfAborted()
    await new Promise(resolve => setTimeout(resolve, homeAskMs))
  }
  return false
}

const placeOf = (host: DeployHost, { asked }: DeployOrder): { prefix: string; root: boolean } | string => {
  if (!host.ssh) return 'it has no SSH settings; `reops hosts add --change` gives it some'
  if (host.state !== 'enrolled') return `it is ${host.state}`
  const { agent } = host
  if (agent === null) {
    if (host.transport === 'zmq') return 'it has an agent that was not deployed from here; revoke that one first'
    return { prefix: asked.prefix ?? agentPrefix, root: asked.become ?? true }
  }
  if (asked.prefix !== undefined && asked.prefix !== agent.prefix)
    return `its agent is in ${agent.prefix}; remove it first`
  return { prefix: agent.prefix, root: agent.root }
}

/** A fresh identity: the token goes there by standard input, and nowhere else. */
const configure = async (deps: DeployDeps, host: DeployHost, place: Place, order: DeployOrder): Promise<void> => {
  await revokeHostEnrolments(deps.pool, host.id)
  const body = { uses: 1, ttlMs: tokenMs }
  const { token } = await createEnrolment(deps.enrolments, {
    body,
    subject: order.subject,
    key: undefined,
    host: host.id,
  })
  if (token === undefined) throw new Error('a new enrolment has no token')
  await place.configure({ token, url: order.url, name: host.name })
}

type Work = {
  readonly deps: DeployDeps
  readonly order: DeployOrder
  readonly host: DeployHost
  readonly place: Place
  readonly phase: Phase
  readonly signal: AbortSignal
  readonly homeMs: number
}

/** An agent that does not come home is taken away again: a host is as it was, or done. */
const undo = async ({ deps, host, place, phase }: Work, why: string): Promise<Ended> => {
  phase('rolling back')
  const log = await place.log()
  await place.stop()
  await place.remove()
  await setAgentPlace(deps.pool, host.id, null)
  await revokeHostEnrolments(deps.pool, host.id)
  if (await retireIdentity(deps.pool, host.id, 'deployment failed')) deps.endSession(host.id, 'deployment failed')
  deps.hostChanged(host.id)
  return failed('timeout', `${why}; it was removed again. It said: ${log || 'nothing'}`, 'calling home')
}

/** The build before takes its place again, with the same identity. */
const goBack = async (work: Work, before: AgentPlace, why: string): Promise<Ended> => {
  const { deps, host, place, phase, signal, homeMs } = work
  phase('rolling back')
  const log = await place.log()
  await place.stop()
  const after = deps.epochOf(host.id)
  await place.start(before.build)
  await setAgentPlace(deps.pool, host.id, before)
  const back = await calledHome(deps, { host: host.id, build: before.build, after, ms: homeMs }, signal)
  const state = back ? `build ${before.build} is back` : `build ${before.build} was started again and is not back yet`
  return failed('timeout', `${why}; ${state}. It said: ${log || 'nothing'}`, 'calling home')
}

const installed = async (work: Work, init: AgentPlace['init'], before: AgentPlace | null, isFresh: boolean) => {
  const { deps, order, host, place, phase, signal, homeMs } = work
  const { build } = order.bundle
  const { prefix, root } = placeOf(host, order) as { prefix: string; root: boolean }
  phase('installing')
  await setAgentPlace(deps.pool, host.id, { prefix, build, init, root })
  await place.stop()
  if (isFresh) await configure(deps, host, place, order)
  phase('starting')
  const after = deps.epochOf(host.id)
  await place.start(build)
  phase('calling home')
  if (!(await calledHome(deps, { host: host.id, build, after, ms: homeMs }, signal))) {
    const why = `the agent has not called home within ${homeMs} ms`
    return before !== null && before.build !== build && !isFresh ? goBack(work, before, why) : undo(work, why)
  }
  await place.tidy(build, before?.build ?? null)
  deps.audit({ action: 'agent.deployed', subject: order.subject, host: host.id, detail: { build, prefix } })
  deps.hostChanged(host.id)
  const said = before === null || isFresh ? `agent ${build} in ${prefix}` : `agent ${before.build} is now ${build}`
  return { ok: true, changed: true, said } satisfies Ended
}

/**
 * Puts the agent onto one host and waits until it has called home. The same again copies nothing and changes nothing; a newer build takes
 * the place of the one that is there, which comes back when the newer one does not call home.
 */
export const deployAgent = async (
  deps: DeployDeps,
  order: DeployOrder,
  id: string,
  phase: Phase,
  signal: AbortSignal,
): Promise<Ended> => {
  phase('checking')
  const host = await findDeployHost(deps.pool, id)
  if (!host) return failed('rejected', 'it is not there any more')
  const where = placeOf(host, order)
  if (typeof where === 'string') return failed('rejected', where)
  const { prefix, root } = where
  const settings = { id: host.id, name: host.name, settings: host.ssh as NonNullable<DeployHost['ssh']> }
  return withHostShell(deps.ssh, { host: settings, root }, signal, async shell => {
    const found = await probe(shell, order.bundle, prefix)
    if (typeof found === 'string') return failed('rejected', found)
    const { build } = order.bundle
    const isOurs = host.transport === 'zmq' && found.host === host.id
    const isThere = isOurs && found.has && found.current === build && deps.epochOf(host.id) !== undefined
    if (isThere && host.version?.endsWith(`+${build}`))
      return { ok: true, changed: false, said: `agent ${build} is there` }
    // An identity whose state is gone from the host is of no use to anybody.
    if (host.transport === 'zmq' && !isOurs && (await retireIdentity(deps.pool, host.id, 'its state is gone')))
      deps.endSession(host.id, 'its state is gone')
    const place = makePlace(shell, prefix)
    const work = { deps, order, host, place, phase, signal, homeMs: order.asked.homeMs ?? homeMsDefault }
    if (!found.has) {
      phase('copying')
      await place.copy(order.bundle)
    }
    const before =
      isOurs && host.agent !== null && found.current !== null ? { ...host.agent, build: found.current } : null
    return installed(work, found.init, before, !isOurs)
  })
}

/** Takes the agent from one host: its process, its files, its identity. */
export const removeAgent = async (
  deps: DeployDeps,
  { subject }: { readonly subject: string },
  id: string,
  phase: Phase,
  signal: AbortSignal,
): Promise<Ended> => {
  const step = 'remove'
  phase('checking')
  const host = await findDeployHost(deps.pool, id)
  if (!host) return failed('rejected', 'it is not there any more', step)
  if (host.agent === null) {
    if (host.transport === 'ssh') return { ok: true, changed: false, said: 'no agent was deployed here' }
    return failed('rejected', 'its agent was not deployed from here; `reops agents revoke` ends its identity', step)
  }
  if (!host.ssh) return failed('rejected', 'it has no SSH settings', step)
  const { agent } = host
  const settings = { id: host.id, name: host.name, settings: host.ssh }
  return withHostShell(deps.ssh, { host: settings, root: agent.root }, signal, async shell => {
    const place = makePlace(shell, agent.prefix)
    phase('stopping')
    await place.stop()
    phase('removing')
    await place.remove()
    phase('revoking')
    await revokeHostEnrolments(deps.pool, host.id)
    await retireIdentity(deps.pool, host.id, `agent removed by ${subject}`)
    await setAgentPlace(deps.pool, host.id, null)
    deps.endSession(host.id, 'revoked')
    deps.audit({ action: 'agent.removed', subject, host: host.id, detail: { prefix: agent.prefix } })
    deps.hostChanged(host.id)
    return { ok: true, changed: true, said: `agent ${agent.build} removed from ${agent.prefix}` }
  })
}

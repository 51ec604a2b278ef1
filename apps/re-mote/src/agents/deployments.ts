import { newId, type DeployAgents, type Deployment, type HostRef, type RemoveAgents } from '@re-ops/protocols'
import { HttpProblem, withRetry, type Log } from '@re-ops/service'
import { makeTurns, type Turns } from '../ssh/turns.ts'
import { findDeployHosts, type DeployHost } from '../store/agents.ts'
import {
  endAbandoned,
  endDeployment,
  findDeployment,
  insertDeployment,
  noteDeploymentHost,
  touchDeployment,
} from '../store/deployments.ts'
import { withSelector } from '../services/selectors.ts'
import type { AgentBundle } from './bundle.ts'
import { deployAgent, removeAgent, type DeployDeps } from './deploy.ts'
import { failed, onHost, type Ended, type Phase } from './steps.ts'

export type DeploymentsDeps = DeployDeps & {
  readonly log: Log
  bundle(): Promise<AgentBundle>
  /** Where agents reach this service, when it was told; and where it listens. */
  readonly advertise: string | undefined
  url(): string
  /** Where agents dial. */
  endpoint(): string
}
export type Deployments = {
  deploy(asked: DeployAgents, subject: string): Promise<Deployment>
  remove(asked: RemoveAgents, subject: string): Promise<Deployment>
  close(): Promise<void>
}

const parallelDefault = 8
const hostsMax = 10_000
/** Deployments under way: each holds its hosts in memory. */
const runningMax = 16
const touchMs = 5_000
const abandonedMs = 30_000

const isLoopback = (host: string): boolean => /^(localhost|127\.|\[?::1\]?$)/.test(host)
const refused = (status: number, kind: string, title: string, detail: string) =>
  new HttpProblem(status, kind, title, detail)

type Work = (host: string, phase: Phase, signal: AbortSignal) => Promise<Ended>

/** Puts agents onto hosts and takes them away, some hosts at a time; each ends in one state. */
export const makeDeployments = (deps: DeploymentsDeps): Deployments => {
  const { log, pool } = deps
  const stop = new AbortController()
  const running = new Set<Promise<void>>()
  /** One deployment at a time has a host. */
  const taken = new Set<string>()
  const report = (error: unknown) => log.error({ err: error }, 'a deployment could not go on')

  const one = async (id: string, host: HostRef, work: Work, turns: Turns): Promise<boolean> => {
    const give = await turns.take(stop.signal).catch(() => null)
    const isBusy = taken.has(host.id)
    if (!isBusy) taken.add(host.id)
    let noting: Promise<unknown> = Promise.resolve()
    try {
      const ended = await onHost(
        host,
        stop.signal,
        now => {
          noting = noting.then(() => withRetry(() => noteDeploymentHost(pool, id, now))).catch(report)
        },
        phase => {
          if (isBusy) return Promise.resolve(failed('rejected', 'another deployment is at this host'))
          return give === null
            ? Promise.resolve(failed('lost', 'the service stopped'))
            : work(host.id, phase, stop.signal)
        },
        report,
      )
      await noting
      return ended.ok
    } finally {
      if (!isBusy) taken.delete(host.id)
      give?.()
    }
  }
  const skip = async (id: string, hosts: readonly HostRef[]) => {
    const failure = { kind: 'skipped' as const, message: 'one of the first hosts failed', step: 'deploy' }
    const ended = { state: 'skipped' as const, phase: 'waiting' as const, phases: [], ms: 0, failure }
    for (const host of hosts) await withRetry(() => noteDeploymentHost(pool, id, { host, ...ended }))
  }
  const all = async (id: string, hosts: readonly HostRef[], work: Work, plan: { parallel: number; canary: number }) => {
    const touch = setInterval(() => void touchDeployment(pool, id).catch(report), touchMs)
    try {
      const turns = makeTurns(plan.parallel, hostsMax, 'a host')
      const first = hosts.slice(0, plan.canary)
      const rest = hosts.slice(plan.canary)
      const canaries = await Promise.all(first.map(host => one(id, host, work, turns)))
      if (canaries.every(Boolean)) await Promise.all(rest.map(host => one(id, host, work, turns)))
      else await skip(id, rest)
      await withRetry(() => endDeployment(pool, id))
    } finally {
      clearInterval(touch)
    }
  }
  const pick = async ({ on, allowNone }: RemoveAgents): Promise<DeployHost[]> => {
    const hosts = await withSelector(pool, { text: on, where: '/body/on' }, findDeployHosts)
    if (hosts.length === 0 && allowNone !== true)
      throw refused(422, 'selector-matches-nothing', 'Selector matches nothing', `/body/on: ${on} picks no host`)
    if (hosts.length > hostsMax)
      throw refused(422, 'too-many-hosts', 'Too many hosts', `/body/on: ${hosts.length} hosts; at most ${hostsMax}`)
    return hosts
  }
  const begin = async (
    made: { verb: 'deploy' | 'remove'; on: string; build: string | null; by: string },
    hosts: readonly HostRef[],
    work: Work,
    plan: { parallel: number; canary: number },
  ): Promise<Deployment> => {
    if (running.size >= runningMax)
      throw refused(409, 'too-many-deployments', 'Too many deployments', `${runningMax} are under way; wait for one`)
    const id = newId()
    const refs = hosts.map(({ id, name }) => ({ id, name }))
    await insertDeployment(pool, { id, ...made, hosts: refs })
    const doing: Promise<void> = all(id, refs, work, plan)
      .catch(report)
      .finally(() => running.delete(doing))
    running.add(doing)
    return (await findDeployment(pool, id)) as Deployment
  }

  /** Hosts elsewhere cannot reach a loopback address; that is told before anything is done there. */
  const checkWay = (url: string, hosts: readonly DeployHost[]): void => {
    const { hostname } = new URL(url)
    const endpoint = deps.endpoint().replace(/^tcp:\/\//, '')
    const far = hosts.find(host => host.ssh && !isLoopback(host.ssh.address) && !isLoopback(host.name))
    if (!far || (!isLoopback(hostname) && !isLoopback(endpoint))) return
    const which = isLoopback(hostname) ? `${url} (REMOTE_ADVERTISE)` : `${deps.endpoint()} (REMOTE_BROKER_ADVERTISE)`
    throw refused(
      409,
      'not-reachable',
      'Hosts cannot reach this service',
      `agents would be told ${which}, which ${far.name} (${far.ssh?.address}) cannot reach; set it to an address that hosts can`,
    )
  }
  const sweep = () =>
    endAbandoned(pool, abandonedMs).then(
      ended => ended > 0 && log.warn({ ended }, 'deployments of a service that is gone are ended'),
      (error: unknown) => log.debug({ err: error }, 'deployments cannot be looked at now'),
    )
  const timer = setInterval(() => void sweep(), abandonedMs)
  return {
    deploy: async (asked, subject) => {
      const bundle = await deps.bundle().catch((error: unknown) => {
        throw refused(409, 'no-agent', 'No agent to deploy', error instanceof Error ? error.message : String(error))
      })
      const picked = await pick(asked)
      const hosts = asked.onlyUpgrade === true ? picked.filter(host => host.agent !== null) : picked
      if (hosts.length === 0 && asked.allowNone !== true)
        throw refused(422, 'no-agents', 'No agents', `/body/on: no agent was deployed to a host of ${asked.on}`)
      const url = asked.url ?? deps.advertise ?? deps.url()
      checkWay(url, hosts)
      const order = { bundle, url, asked, subject }
      const plan = { parallel: asked.parallel ?? parallelDefault, canary: asked.canary ?? 0 }
      const made = { verb: 'deploy' as const, on: asked.on, build: bundle.build, by: subject }
      return begin(made, hosts, (host, phase, signal) => deployAgent(deps, order, host, phase, signal), plan)
    },
    remove: async (asked, subject) => {
      const hosts = await pick(asked)
      const plan = { parallel: asked.parallel ?? parallelDefault, canary: 0 }
      const made = { verb: 'remove' as const, on: asked.on, build: null, by: subject }
      return begin(made, hosts, (host, phase, signal) => removeAgent(deps, { subject }, host, phase, signal), plan)
    },
    close: async () => {
      clearInterval(timer)
      stop.abort(new Error('the service stops'))
      await Promise.all(running)
    },
  }
}

import { setTimeout as wait } from 'node:timers/promises'
import type { Mote } from '@re-ops/client'
import type { Agent, Deployment, DeploymentHost } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { wholeNumber } from '../arguments/labels.ts'
import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { harmless } from '../render/paint.ts'
import { table } from '../render/table.ts'
import { ago, count, duration } from '../render/units.ts'

type Selecting = { readonly json?: boolean; readonly on?: string; readonly allowNone?: boolean }

const agesOf = (agent: Agent, nowMs: number): string[] => [
  agent.state === 'enrolled' ? (agent.online ? 'online' : 'offline') : agent.state,
  agent.version ?? '',
  ago(agent.keysAt, nowMs).replace(/ ago$/, ''),
  agent.online ? `for ${ago(agent.sessionAt, nowMs).replace(/ ago$/, '')}` : (agent.sessionEnd ?? ''),
  agent.prefix ?? '',
]

export const listAgents = async (context: Context, options: Selecting): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const agents = await mote.agents(options.on === undefined ? {} : { on: options.on })
  if (agents.length === 0 && options.on !== undefined && options.allowNone !== true)
    throw usage(`selector \`${options.on}\` matches no agent; allow that with --allow-none`)
  if (options.json === true) {
    printJson(terminal, agents)
    return 0
  }
  if (agents.length === 0) {
    terminal.error("no agents yet; `reops agents deploy --on '*'` puts them onto the SSH hosts")
    return 0
  }
  const { paint, columns } = terminal
  terminal.out(
    table(
      ['HOST', 'STATE', 'VERSION', 'KEYS', 'SESSION', 'IN'],
      agents.map(agent => [agent.host.name, ...agesOf(agent, context.now())]),
      { paint, width: columns, colour: at => (agents[at]?.online ? text => text : paint.bad) },
    ),
  )
  terminal.out(`${count(agents.length, 'agent')} · online ${agents.filter(agent => agent.online).length}\n`)
  return 0
}

const askEveryMs = 300
const isEnded = ({ state }: DeploymentHost): boolean => state !== 'queued' && state !== 'running'

const lineOf = (one: DeploymentHost): string => {
  const took = one.ms === null ? '' : `  ${duration(one.ms)}`
  const said = one.state === 'ok' ? (one.said ?? '') : (one.failure?.message ?? '')
  return harmless(`${one.host.name}  ${one.state}${took}  ${said}`)
}
const progressOf = ({ hosts }: Deployment): string => {
  const phases = new Map<string, number>()
  for (const one of hosts.filter(host => !isEnded(host))) phases.set(one.phase, (phases.get(one.phase) ?? 0) + 1)
  const busy = [...phases].map(([phase, n]) => `${phase} ${n}`).join(', ')
  return `${hosts.filter(isEnded).length}/${hosts.length} done; ${busy}`
}

/** Shows each host once, when it has ended, and where the others are meanwhile. */
const follow = async (context: Context, mote: Mote, begun: Deployment, json: boolean): Promise<number> => {
  const { terminal } = context
  const shown = new Set<string>()
  const show = (now: Deployment) => {
    for (const one of now.hosts.filter(host => isEnded(host) && !shown.has(host.host.id))) {
      shown.add(one.host.id)
      if (!json) terminal.out(`${(one.state === 'ok' ? (text: string) => text : terminal.paint.bad)(lineOf(one))}\n`)
    }
    if (now.state === 'running') terminal.progress(progressOf(now))
  }
  let now = begun
  for (show(now); now.state === 'running'; show(now)) {
    await wait(askEveryMs)
    now = await mote.deployment(begun.id)
  }
  terminal.progress('')
  const ok = now.hosts.filter(one => one.state === 'ok')
  if (json) printJson(terminal, now)
  else {
    const changed = ok.filter(one => one.changed === true).length
    const failed = now.hosts.length - ok.length
    terminal.out(`${count(now.hosts.length, 'host')} · ok ${ok.length} (changed ${changed}) · failed ${failed}\n`)
  }
  return ok.length === now.hosts.length ? 0 : 1
}

type DeployOptions = Selecting & {
  readonly prefix?: string
  readonly become?: boolean
  readonly url?: string
  readonly canary?: string
  readonly parallel?: string
  readonly home?: string
}
const parallelOf = ({ parallel }: { readonly parallel?: string }) =>
  parallel === undefined ? {} : { parallel: wholeNumber(parallel, '--parallel', 1, 64) }
const onOf = ({ on, allowNone }: Selecting): { on: string; allowNone?: boolean } => {
  if (on === undefined) throw usage('which hosts? give --on <selector>')
  return { on, ...(allowNone === true ? { allowNone } : {}) }
}

export const deployAgents = async (
  context: Context,
  options: DeployOptions,
  verb: 'deploy' | 'upgrade',
): Promise<number> => {
  const canary = options.canary ?? (verb === 'upgrade' ? '1' : undefined)
  const body = {
    ...onOf(options),
    ...parallelOf(options),
    ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
    ...(options.become === false ? { become: false } : {}),
    ...(options.url === undefined ? {} : { url: options.url }),
    ...(canary === undefined ? {} : { canary: wholeNumber(canary, '--canary', 0, 1_000) }),
    ...(options.home === undefined ? {} : { homeMs: durationMs(options.home, '--home', { min: 1_000 }) }),
    ...(verb === 'upgrade' ? { onlyUpgrade: true } : {}),
  }
  const { mote } = await context.client()
  // The first time the service packs the agent, which takes seconds.
  return follow(context, mote, await mote.deployAgents(body, { timeoutMs: 120_000 }), options.json === true)
}

type RemoveOptions = Selecting & { readonly parallel?: string; readonly yes?: boolean }
export const removeAgents = async (context: Context, options: RemoveOptions): Promise<number> => {
  const body = { ...onOf(options), ...parallelOf(options) }
  const { mote } = await context.client()
  const hosts = await mote.hosts({ on: body.on })
  if (hosts.length === 0 && options.allowNone !== true)
    throw usage(`selector \`${body.on}\` matches no host; allow that with --allow-none`)
  await confirm(context, {
    verb: 'remove the agent of',
    noun: 'host',
    names: hosts.map(host => host.name),
    yes: options.yes === true,
  })
  return follow(context, mote, await mote.removeAgents(body), options.json === true)
}

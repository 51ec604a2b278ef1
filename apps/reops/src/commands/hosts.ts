import type { Mote } from '@re-ops/client'
import type { Host } from '@re-ops/protocols'
import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { byNumber } from '../render/nodeset.ts'
import { table } from '../render/table.ts'
import { ago, count, labelsText } from '../render/units.ts'

type Options = { readonly on?: string; readonly json?: boolean; readonly allowNone?: boolean }

export const statusOf = (host: Host) => (host.state === 'enrolled' ? (host.online ? 'online' : 'offline') : host.state)

export const listHosts = async (context: Context, options: Options): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const hosts = await mote.hosts(options.on === undefined ? {} : { on: options.on }).catch((error: unknown) => {
    const none = (error as { problemKind?: unknown }).problemKind === 'selector-matches-nothing'
    if (none && options.allowNone === true) return []
    throw error
  })
  if (hosts.length === 0 && options.on !== undefined && options.allowNone !== true)
    throw usage(`selector \`${options.on}\` matches no host; allow that with --allow-none`)
  if (options.json === true) {
    printJson(terminal, hosts)
    return 0
  }
  if (hosts.length === 0) {
    terminal.error(
      'no hosts yet; `reops enrolments create` gives a token for one, `reops systems create` makes machines',
    )
    return 0
  }
  const sorted = hosts.toSorted((a, b) => byNumber(a.name, b.name))
  const { paint, columns } = terminal
  terminal.out(
    table(
      ['HOST', 'STATE', 'TRANSPORT', 'VERSION', 'PID', 'LABELS', 'SEEN'],
      sorted.map(host => [
        host.name,
        statusOf(host),
        host.transport,
        host.version ?? '',
        host.online && host.pid !== null ? String(host.pid) : '',
        labelsText(host.labels),
        host.online && host.transport === 'zmq' ? 'now' : ago(host.seenAt, context.now()),
      ]),
      { paint, width: columns, colour: at => (sorted[at]?.online ? text => text : paint.bad) },
    ),
  )
  const online = hosts.filter(host => host.online).length
  terminal.out(`${count(hosts.length, 'host')} · online ${online}\n`)
  return 0
}

type EndOptions = Options & { readonly yes?: boolean }
export const revokeHosts = (context: Context, names: readonly string[], options: EndOptions): Promise<number> =>
  endHosts(context, { verb: 'revoke', did: 'revoked', isMeant: () => true }, names, options)

/** A host without an agent has no identity to revoke; it is removed. */
export const removeHosts = (context: Context, names: readonly string[], options: EndOptions): Promise<number> =>
  endHosts(context, { verb: 'remove', did: 'removed', isMeant: host => host.transport === 'ssh' }, names, options)

/** A host with SSH settings stays, as a host that is reached over SSH. */
export const revokeAgents = (context: Context, names: readonly string[], options: EndOptions): Promise<number> =>
  endHosts(
    context,
    {
      verb: 'revoke',
      did: 'agent revoked',
      isMeant: host => host.transport === 'zmq',
      otherwise: name => `${name} has no agent; \`reops hosts remove ${name}\` removes it`,
      end: (mote, id) => mote.revokeAgent(id),
    },
    names,
    options,
  )

type Ending = {
  readonly verb: string
  readonly did: string
  isMeant(host: Host): boolean
  /** What is said of one that is not meant. */
  otherwise?(name: string): string
  end?(mote: Mote, id: string): Promise<unknown>
}
const hasAgent = (name: string) => `${name} has an agent; \`reops hosts revoke ${name}\` ends its identity`
const endHosts = async (
  context: Context,
  { verb, did, isMeant, otherwise = hasAgent, end = (mote, id) => mote.revokeHost(id) }: Ending,
  names: readonly string[],
  options: EndOptions,
): Promise<number> => {
  if ((names.length === 0) === (options.on === undefined)) throw usage('which hosts? give names, or --on <selector>')
  const { mote } = await context.client()
  const all = await mote.hosts(options.on === undefined ? {} : { on: options.on })
  const missing = names.filter(name => !all.some(host => host.name === name || host.id === name))
  if (missing.length > 0) throw usage(`no host is called ${missing.join(', ')}; \`reops hosts\` shows what there is`)
  const hosts = all.filter(
    host => host.state !== 'revoked' && (names.length === 0 || names.includes(host.name) || names.includes(host.id)),
  )
  if (hosts.length === 0 && options.allowNone !== true) throw usage(`no host to ${verb}; allow that with --allow-none`)
  const other = hosts.find(host => !isMeant(host))
  if (other) throw usage(otherwise(other.name))
  await confirm(context, {
    verb,
    noun: 'host',
    names: hosts.map(host => host.name),
    yes: options.yes === true,
  })
  for (const host of hosts) {
    await end(mote, host.id)
    if (options.json !== true) context.terminal.out(`${host.name}  ${did}\n`)
  }
  if (options.json === true)
    printJson(
      context.terminal,
      hosts.map(({ id, name }) => ({ id, name, state: did })),
    )
  return 0
}

import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'

type Options = { readonly on?: string; readonly json?: boolean; readonly allowNone?: boolean; readonly yes?: boolean }

/** Lifts the quarantine of hosts: whoever says hello next is the host, so a copy of it must be gone by then. */
export const releaseHosts = async (context: Context, names: readonly string[], options: Options): Promise<number> => {
  if ((names.length === 0) === (options.on === undefined)) throw usage('which hosts? give names, or --on <selector>')
  const { mote } = await context.client()
  const all = await mote.hosts(options.on === undefined ? {} : { on: options.on })
  const missing = names.filter(name => !all.some(host => host.name === name || host.id === name))
  if (missing.length > 0) throw usage(`no host is called ${missing.join(', ')}; \`reops hosts\` shows what there is`)
  const named = all.filter(host => names.length === 0 || names.includes(host.name) || names.includes(host.id))
  const hosts = named.filter(host => host.state === 'quarantined')
  const free = named.find(host => host.state !== 'quarantined')
  if (free && names.length > 0) throw usage(`${free.name} is not in quarantine; it is ${free.state}`)
  if (hosts.length === 0 && options.allowNone !== true)
    throw usage('no host is in quarantine; allow that with --allow-none')
  const { yes = false } = options
  await confirm(context, { verb: 'release', noun: 'host', names: hosts.map(host => host.name), yes })
  for (const host of hosts) {
    await mote.confirmHost(host.id)
    if (options.json !== true) context.terminal.out(`${host.name}  released\n`)
  }
  const released = hosts.map(({ id, name }) => ({ id, name, state: 'released' }))
  if (options.json === true) printJson(context.terminal, released)
  return 0
}

import type { Mote } from '@re-ops/client'
import type { Host } from '@re-ops/protocols'
import { labelChangesOf } from '../arguments/label-changes.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { harmless } from '../render/paint.ts'
import { ago, labelsText } from '../render/units.ts'
import { valueText } from '../render/value.ts'
import { statusOf } from './hosts.ts'

type Options = { readonly json?: boolean; readonly on?: string; readonly allowNone?: boolean }

/** The host of that name or id. Revoked ones are not looked for. */
const hostNamed = async (mote: Mote, word: string): Promise<Host> => {
  const found = (await mote.hosts()).filter(host => host.name === word || host.id === word)
  const [only, another] = found
  if (!only) throw usage(`no host is called ${word}; \`reops hosts\` shows what there is`)
  if (another)
    throw usage(`${found.length} hosts are called ${word}; give an id: ${found.map(host => host.id).join(', ')}`)
  return only
}

export const showHost = async (context: Context, word: string, options: Options): Promise<number> => {
  const { mote } = await context.client()
  const host = await mote.host((await hostNamed(mote, word)).id)
  if (options.json === true) printJson(context.terminal, host)
  else context.terminal.out(hostText(host, context))
  return 0
}

const hostText = (host: Host, { terminal, now }: Context): string => {
  const rows: [string, string][] = [
    ['id', host.id],
    ['state', `${statusOf(host)}, ${host.online ? 'now' : `seen ${ago(host.seenAt, now())}`}`],
    ...(host.stateReason === undefined ? [] : [['because', host.stateReason] as [string, string]]),
    ['transport', host.transport],
    ['agent', host.version === null ? '-' : `${host.version}${host.pid === null ? '' : `, pid ${host.pid}`}`],
    ...(host.addresses === undefined ? [] : [['addresses', host.addresses.join(' · ') || '-'] as [string, string]]),
    ['enrolled', ago(host.enrolledAt, now())],
    ...(host.system === null ? [] : [['system', `${host.system}, generation ${host.generation}`] as [string, string]]),
    ['labels', labelsText(host.labels) || '-'],
    ['facts', host.factsAt === null ? 'none yet; `reops facts refresh` reads them' : ago(host.factsAt, now())],
    ...factRows(host.facts),
  ]
  const width = Math.max(...rows.map(([title]) => title.length))
  const { bold, dim } = terminal.paint
  return `${bold(host.name)}\n${rows.map(([title, text]) => `  ${dim(title.padEnd(width))}  ${harmless(text)}\n`).join('')}`
}

/** Each fact under the path that selects it; lists of things as JSON. */
const factRows = (facts: Readonly<Record<string, unknown>>, above = 'fact:'): [string, string][] =>
  Object.entries(facts).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? factRows(value as Record<string, unknown>, `${above}${key}.`)
      : [
          [
            `${above}${key}`,
            Array.isArray(value) ? value.map(one => valueText(one)).join(', ') : valueText(value, key),
          ],
        ],
  )

export const renameHost = async (
  context: Context,
  [word, name]: readonly [string, string],
  options: Options,
): Promise<number> => {
  const { mote } = await context.client()
  const host = await hostNamed(mote, word)
  const renamed = await mote.changeHost(host.id, { name })
  if (options.json === true) printJson(context.terminal, renamed)
  else context.terminal.out(`${host.name}  is now ${renamed.name}\n`)
  return 0
}

/** Sets and takes away labels of one host, or of all that a selector picks. */
export const labelHosts = async (context: Context, words: readonly string[], options: Options): Promise<number> => {
  const [first, ...rest] = words
  const labels = labelChangesOf(options.on === undefined ? rest : words)
  if (options.on === undefined && first === undefined) throw usage('which host? give a name, or --on <selector>')
  const { mote } = await context.client()
  const hosts =
    options.on === undefined ? [await hostNamed(mote, first as string)] : await mote.hosts({ on: options.on })
  if (hosts.length === 0 && options.allowNone !== true)
    throw usage(`selector \`${options.on}\` matches no host; allow that with --allow-none`)
  const changed: Host[] = []
  for (const host of hosts) {
    const now = await mote.changeHost(host.id, { labels })
    changed.push(now)
    if (options.json !== true) context.terminal.out(`${now.name}  ${labelsText(now.labels) || '-'}\n`)
  }
  if (options.json === true) printJson(context.terminal, changed)
  return 0
}

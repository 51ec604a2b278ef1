import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Host } from '@re-ops/protocols'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { readAnsible } from '../inventory/ansible-read.ts'
import { writeAnsibleIni, writeAnsibleYaml } from '../inventory/ansible-write.ts'
import { applyEntry, inOrder, type Applied } from '../inventory/apply.ts'
import { InventoryError, type HostEntry, type Inventory, type SshEntry } from '../inventory/entry.ts'
import { readInventoryFile, writeJson, writeYaml } from '../inventory/file.ts'
import { table } from '../render/table.ts'
import { count, labelsText } from '../render/units.ts'

export type ImportFileOptions = {
  readonly json?: boolean
  readonly ansible?: boolean
  readonly change?: boolean
  readonly dryRun?: boolean
}

const read = (file: string, ansible: boolean): Inventory => {
  const text = (() => {
    try {
      return readFileSync(file === '-' ? 0 : file, 'utf8')
    } catch (error) {
      throw usage(`${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
    }
  })()
  try {
    const name = file === '-' ? 'standard input' : basename(file)
    return ansible ? readAnsible(text, name) : readInventoryFile(text, name)
  } catch (error) {
    throw error instanceof InventoryError ? usage(error.message) : error
  }
}

/** Hosts of a file become hosts here. Hosts with an agent keep it; what the file says of their labels counts. */
export const importFile = async (context: Context, file: string, options: ImportFileOptions): Promise<number> => {
  const { terminal } = context
  const { hosts, notes } = read(file, options.ansible === true)
  for (const note of notes) terminal.error(note)
  const entries = inOrder(hosts)
  const applied = options.dryRun === true ? null : await applyAll(context, entries, options.change === true)
  if (options.json === true) printJson(terminal, applied ?? entries)
  else {
    const states = new Map(applied?.map(one => [one.name, one]))
    terminal.out(
      table(
        ['HOST', 'REACHED AS', 'LABELS', ...(applied ? ['STATE'] : [])],
        entries.map(one => [
          one.name,
          reachedAs(one),
          labelsText(one.labels),
          ...(applied ? [stateText(states.get(one.name))] : []),
        ]),
        {
          paint: terminal.paint,
          width: terminal.columns,
          colour: at => (states.get(entries[at]?.name ?? '')?.state === 'refused' ? terminal.paint.bad : text => text),
        },
      ),
    )
    terminal.out(`${countsText(entries, applied)}\n`)
  }
  return applied?.some(one => one.state === 'refused') ? 1 : 0
}

const applyAll = async (context: Context, entries: readonly HostEntry[], change: boolean): Promise<Applied[]> => {
  const { mote } = await context.client()
  const there = new Map((await mote.hosts()).map(host => [host.name, host]))
  const applied: Applied[] = []
  for (const entry of entries) applied.push(await applyEntry(mote, entry, { there: there.get(entry.name), change }))
  return applied
}

const reachedAs = ({ ssh }: HostEntry) =>
  ssh
    ? `${ssh.user === undefined ? '' : `${ssh.user}@`}${ssh.address}${ssh.port === undefined ? '' : `:${ssh.port}`}`
    : 'agent'
const stateText = (one: Applied | undefined) =>
  one ? `${one.state}${one.why === undefined ? '' : `: ${one.why}`}` : ''
const countsText = (entries: readonly HostEntry[], applied: readonly Applied[] | null) => {
  const states = Map.groupBy(applied ?? [], one => one.state)
  return [count(entries.length, 'host'), ...[...states].map(([state, those]) => `${state} ${those.length}`)].join(' · ')
}

export const formats = ['yaml', 'json', 'ansible', 'ansible-yaml'] as const
const writers: Readonly<Record<(typeof formats)[number], (hosts: readonly HostEntry[]) => string>> = {
  yaml: writeYaml,
  json: writeJson,
  ansible: writeAnsibleIni,
  'ansible-yaml': writeAnsibleYaml,
}

/** The hosts as an inventory that `import` reads, on standard output. */
export const exportInventory = async (
  context: Context,
  options: { readonly on?: string; readonly format: (typeof formats)[number]; readonly allowNone?: boolean },
): Promise<number> => {
  const { mote } = await context.client()
  const hosts = await mote.hosts(options.on === undefined ? {} : { on: options.on })
  if (hosts.length === 0 && options.on !== undefined && options.allowNone !== true)
    throw usage(`selector \`${options.on}\` matches no host; allow that with --allow-none`)
  const byName = new Map<string, HostEntry>()
  for (const host of hosts) {
    if (byName.has(host.name)) context.terminal.error(`${host.name}: more than one host is called so; the last is kept`)
    byName.set(host.name, entryOf(host))
  }
  context.terminal.out(writers[options.format]([...byName.values()]))
  return 0
}

const entryOf = (host: Host): HostEntry => {
  const { ssh } = host as { ssh?: SshEntry }
  return { name: host.name, labels: host.labels, ...(ssh ? { ssh } : {}) }
}

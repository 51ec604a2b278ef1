import type { Command } from 'commander'
import type { Schema } from '../arguments/input.ts'

export type Candidate = { readonly word: string; readonly doc?: string }
/** What of the cluster can stand in a word. Each answers nothing when there is no cluster. */
export type Names = {
  operations(): Promise<readonly { readonly name: string; readonly doc: string; readonly input: Schema }[]>
  hosts(): Promise<readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[]>
  systems(): Promise<readonly { readonly name: string; readonly phase: string }[]>
  selectors(): Promise<readonly string[]>
  runs(): Promise<readonly { readonly id: string; readonly on: string }[]>
}
/** The shell itself completes names of files. */
export const files: Candidate = { word: '@files' }

type Place = { readonly command: Command; readonly words: readonly string[]; readonly pending: string | null }

/** Which command the words are of, its own words, and the option that still waits for its value. */
const placeOf = (program: Command, words: readonly string[]): Place => {
  let command = program
  let own: string[] = []
  let pending: string | null = null
  for (const word of words) {
    if (pending !== null) pending = null
    else if (word.startsWith('-')) {
      const option = optionsOf(command).find(one => one.long === word || one.short === word)
      if (option?.required && !word.includes('=')) pending = option.long ?? word
    } else {
      const next = own.length === 0 ? command.commands.find(one => one.name() === word) : undefined
      if (next) command = next
      else own.push(word)
      if (next) own = []
    }
  }
  return { command, words: own, pending }
}
const optionsOf = (command: Command) => command.options

const pathOf = (command: Command): string =>
  command.parent === null ? '' : `${pathOf(command.parent)} ${command.name()}`.trim()

/** Of a selector: hosts, `key=value` of their labels, saved ones, everything. */
const selectors = async (names: Names): Promise<Candidate[]> => {
  const [hosts, saved] = await Promise.all([names.hosts(), names.selectors()])
  const labels = new Set(hosts.flatMap(host => Object.entries(host.labels).map(([key, value]) => `${key}=${value}`)))
  return [
    { word: '*', doc: 'all' },
    ...hosts.map(host => ({ word: host.name, doc: 'host' })),
    ...[...labels].toSorted().map(word => ({ word, doc: 'label' })),
    ...saved.map(name => ({ word: `@${name}`, doc: 'saved selector' })),
  ]
}

const valuesOf: Readonly<Record<string, (names: Names) => Promise<Candidate[]>>> = {
  '--on': selectors,
  '--system': async names => (await names.systems()).map(one => ({ word: one.name, doc: one.phase })),
  '--jump': async names => (await names.hosts()).map(one => ({ word: one.name })),
  '--key-file': async () => [files],
  '--file': async () => [files],
  '--identity': async () => [files],
  '--ssh-config': async () => [files],
}

const choicesOf = (schema: Schema): readonly unknown[] =>
  schema.enum ?? (schema.type === 'boolean' ? [true, false] : (schema.anyOf ?? []).flatMap(one => one.const ?? []))

/** `key=` of the fields that are not given yet; behind `key=` the values its schema lists. */
const inputs = async (names: Names, [operation = '', ...given]: readonly string[], part: string) => {
  const found = (await names.operations()).find(one => one.name === operation)
  const fields = Object.entries(found?.input.properties ?? {})
  const key = /^([^=:]+)=/.exec(part)?.[1]
  if (key !== undefined) {
    const schema = fields.find(([name]) => name === key)?.[1]
    return schema ? choicesOf(schema).map(value => ({ word: `${key}=${String(value)}` })) : []
  }
  const isGiven = (name: string) => given.some(word => word.startsWith(`${name}=`) || word.startsWith(`${name}:=`))
  return fields
    .filter(([name]) => !isGiven(name))
    .map(([name, { description = '' }]) => ({ word: `${name}=`, doc: description }))
}

const operations = async (names: Names): Promise<Candidate[]> =>
  (await names.operations()).map(({ name, doc }) => ({ word: name, doc }))
const hosts = async (names: Names): Promise<Candidate[]> =>
  (await names.hosts()).map(({ name }) => ({ word: name, doc: 'host' }))
const systems = async (names: Names): Promise<Candidate[]> =>
  (await names.systems()).map(({ name, phase }) => ({ word: name, doc: phase }))

type Words = (names: Names, own: readonly string[], part: string) => Promise<Candidate[]>
const first =
  (of: (names: Names) => Promise<Candidate[]>): Words =>
  async (names, own) =>
    own.length === 0 ? of(names) : []
const runs = first(async names => (await names.runs()).map(({ id, on }) => ({ word: id, doc: on })))

/** What may stand as an argument of each command, by the words that name it. */
const wordsOf: Readonly<Record<string, Words>> = {
  run: async (names, own, part) =>
    own.length > 0 ? inputs(names, own, part) : [...(await operations(names)), ...(/[./]/.test(part) ? [files] : [])],
  'operations show': first(operations),
  'hosts show': first(hosts),
  'hosts rename': first(hosts),
  'hosts label': first(hosts),
  'hosts remove': hosts,
  'hosts revoke': hosts,
  'systems show': systems,
  console: first(systems),
  ssh: first(async names => [...(await systems(names)), ...(await hosts(names))]),
  'systems start': systems,
  'systems stop': systems,
  'systems reload': systems,
  'systems destroy': systems,
  'runs show': runs,
  'runs cancel': runs,
  'selectors remove': first(async names => (await names.selectors()).map(word => ({ word }))),
  'inventory import': async () => [files],
}

/** What the last word may become. The words come from the command table; names from the cluster, when there is one. */
export const complete = async (
  program: Command,
  typed: readonly string[],
  names: Names,
): Promise<readonly Candidate[]> => {
  const part = typed.at(-1) ?? ''
  const before = typed.slice(0, -1)
  if (before.includes('--')) return [] // a command for hosts
  const asked = before[0] === 'help' ? before.slice(1) : before
  const { command, words, pending } = placeOf(program, asked)
  const fitting = (all: readonly Candidate[]) => all.filter(one => one.word.startsWith(part) || one === files)
  const commands = command.commands.map(one => ({ word: one.name(), doc: one.description() }))
  if (before[0] === 'help') return fitting(commands)
  if (pending !== null) {
    const option = optionsOf(command).find(one => one.long === pending)
    if (option?.argChoices) return fitting(option.argChoices.map(word => ({ word })))
    return fitting((await valuesOf[pending]?.(names)) ?? [])
  }
  if (part.startsWith('-')) {
    const given = new Set(before)
    const left = optionsOf(command).filter(one => one.long && !given.has(one.long))
    return fitting([
      ...left.map(one => ({ word: one.long as string, doc: one.description })),
      { word: '--help', doc: 'this text' },
    ])
  }
  const own = await wordsOf[pathOf(command)]?.(names, words, part)
  const top = command === program && words.length === 0 ? [{ word: 'help', doc: 'of a command, with examples' }] : []
  return fitting([...(words.length === 0 ? commands : []), ...top, ...(own ?? [])])
}

import { hostsOfGroups } from './ansible-hosts.ts'
import { hostsMax, InventoryError, type Inventory } from './entry.ts'
import { makeGroups, type Groups, type Vars } from './groups.ts'
import { expandRanges } from './ranges.ts'
import { assigned, literal, words } from './words.ts'
import { yamlContent } from './yaml.ts'

/** An Ansible inventory in either of its forms, told apart by the name of the file. Throws InventoryError with the file and the line. */
export const readAnsible = (text: string, file: string): Inventory => {
  const groups = makeGroups(file)
  if (/\.(ya?ml|json)$/i.test(file)) readYaml(groups, text, file)
  else readIni(groups, text, file)
  const hosts = groups.hosts()
  if (hosts.length > hostsMax) throw new InventoryError(`${file}: ${hosts.length} hosts, allowed are ${hostsMax}`)
  return hostsOfGroups(hosts, file)
}

type Section = { readonly name: string; readonly kind: 'hosts' | 'vars' | 'children' }

const readIni = (groups: Groups, text: string, file: string): void => {
  let section: Section = { name: 'ungrouped', kind: 'hosts' }
  for (const [n, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    const where = `${file}, line ${n + 1}`
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const head = /^\[([^\]]*)\]\s*(?:[#;].*)?$/.exec(line)
    if (head) {
      section = sectionOf(head[1] ?? '', where)
      groups.group(section.name)
    } else readLine(groups.group(section.name), section.kind, line, where)
  }
}

const sectionOf = (text: string, where: string): Section => {
  const match = /^([^\s:[\]]+)(?::(vars|children|hosts))?$/.exec(text.trim())
  if (!match)
    throw new InventoryError(
      `${where}: [${text}] is not a section; allowed are [group], [group:vars], [group:children]`,
    )
  return { name: match[1] as string, kind: (match[2] ?? 'hosts') as Section['kind'] }
}

const readLine = (group: ReturnType<Groups['group']>, kind: Section['kind'], line: string, where: string): void => {
  if (kind === 'children') {
    const [name = '', ...more] = words(line, where)
    if (more.length > 0) throw new InventoryError(`${where}: one group a line stands below [...:children]`)
    return group.addChild(name)
  }
  if (kind === 'vars') {
    const [key, value] = assigned(line, where)
    return group.setVars({ [key]: literal(value.trim()) })
  }
  const [pattern = '', ...pairs] = words(line, where)
  const vars = Object.fromEntries(pairs.map(pair => assigned(pair, where)).map(([key, value]) => [key, literal(value)]))
  addHosts(group, pattern, vars, where)
}

/** `name`, `name:port`, `web[01:50]`. */
const addHosts = (group: ReturnType<Groups['group']>, pattern: string, vars: Vars, where: string): void => {
  const port = /^([^:]*(?:\[[^\]]*\][^:]*)*):(\d{1,5})$/.exec(pattern)
  const [names, more] = port ? [port[1] as string, { ansible_port: port[2] }] : [pattern, {}]
  for (const name of expandRanges(names, where)) group.addHost(name, { ...more, ...vars })
}

type Fields = Record<string, unknown>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Scalars are taken as the text that stands there: labels are text, and `1.10` is not 1.1. */
const readYaml = (groups: Groups, text: string, file: string): void => {
  const content = yamlContent(text, file, { texts: true })
  const fieldsAt = (value: unknown, where: string): Fields => {
    if (value === '' || value === null || value === undefined) return {}
    if (!isFields(value)) throw new InventoryError(`${file}: ${where} must be a mapping`)
    return value
  }
  const read = (name: string, value: unknown, where: string, depth: number): void => {
    if (depth > 64) throw new InventoryError(`${file}: ${where}: more than 64 groups within one another`)
    const group = groups.group(name)
    const { hosts, children, vars, ...others } = fieldsAt(value, where)
    const [unknown] = Object.keys(others)
    if (unknown !== undefined)
      throw new InventoryError(`${file}: ${where}.${unknown} is unknown; a group has hosts, children and vars`)
    group.setVars(fieldsAt(vars, `${where}.vars`))
    for (const [pattern, own] of Object.entries(fieldsAt(hosts, `${where}.hosts`)))
      addHosts(group, pattern, fieldsAt(own, `${where}.hosts.${pattern}`), `${file}: ${where}.hosts`)
    for (const [child, inner] of Object.entries(fieldsAt(children, `${where}.children`))) {
      group.addChild(child)
      read(child, inner, `${where}.children.${child}`, depth + 1)
    }
  }
  for (const [name, value] of Object.entries(fieldsAt(content, 'the inventory'))) read(name, value, name, 0)
}

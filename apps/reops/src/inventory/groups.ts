import { InventoryError } from './entry.ts'

/** A variable: text, or (of YAML) a list or mapping. */
export type Vars = Readonly<Record<string, unknown>>
type OpenGroup = { hosts: Map<string, Record<string, unknown>>; children: Set<string>; vars: Record<string, unknown> }

/** Groups as an Ansible inventory has them, read from either of its forms. */
export type Groups = {
  /** Opens the group, which may be there already. */
  group(name: string): {
    addHost(name: string, vars?: Vars): void
    addChild(name: string): void
    setVars(vars: Vars): void
  }
  /** Every host with its groups, those they are in included, and its variables: parents' first, the host's own last. */
  hosts(): { readonly name: string; readonly groups: readonly string[]; readonly vars: Vars }[]
}

export const makeGroups = (file: string): Groups => {
  const groups = new Map<string, OpenGroup>()
  const open = (name: string): OpenGroup => {
    const there = groups.get(name) ?? { hosts: new Map(), children: new Set(), vars: {} }
    groups.set(name, there)
    return there
  }
  /** Depth as Ansible counts it: deeper groups win; also finds circles. */
  const depths = () => {
    const found = new Map<string, number>()
    const walk = (name: string, path: readonly string[]) => {
      if (path.includes(name))
        throw new InventoryError(`${file}: group ${name} is among its own children: ${[...path, name].join(' -> ')}`)
      if ((found.get(name) ?? -1) >= path.length) return
      found.set(name, path.length)
      for (const child of open(name).children) walk(child, [...path, name])
    }
    for (const name of groups.keys()) walk(name, [])
    return found
  }
  const parentsOf = () => {
    const parents = new Map<string, string[]>()
    for (const [name, { children }] of groups)
      for (const child of children) parents.set(child, [...(parents.get(child) ?? []), name])
    return parents
  }
  return {
    group: name => {
      const group = open(name)
      return {
        addHost: (host, vars = {}) => void group.hosts.set(host, { ...group.hosts.get(host), ...vars }),
        addChild: child => {
          open(child)
          group.children.add(child)
        },
        setVars: vars => void Object.assign(group.vars, vars),
      }
    },
    hosts: () => {
      const depth = depths()
      const parents = parentsOf()
      const climb = (name: string, into: Set<string>) => {
        if (into.has(name)) return
        into.add(name)
        for (const parent of parents.get(name) ?? []) climb(parent, into)
      }
      const direct = new Map<string, { groups: Set<string>; vars: Record<string, unknown> }>()
      for (const [name, group] of groups)
        for (const [host, vars] of group.hosts) {
          const one = direct.get(host) ?? { groups: new Set(), vars: {} }
          direct.set(host, one)
          climb(name, one.groups)
          Object.assign(one.vars, vars)
        }
      return [...direct].map(([name, { groups: of, vars }]) => {
        // `all` is around every group, whether the file says so or not.
        const ordered = [...of.add('all')].toSorted(
          (a, b) =>
            Number(b === 'all') - Number(a === 'all') ||
            (depth.get(a) ?? 0) - (depth.get(b) ?? 0) ||
            Number(a > b) - Number(a < b),
        )
        const inherited = ordered.map(group => groups.get(group)?.vars ?? {})
        return { name, groups: ordered, vars: Object.assign({}, ...inherited, vars) as Vars }
      })
    },
  }
}

import type { System } from '@re-ops/protocols'
import { expandNodeset, globToRegExp, parseSelector, selects, SelectorError } from '@re-ops/protocols/selector'
import { usage } from '../fault.ts'

type Pickable = Pick<System, 'id' | 'name' | 'labels' | 'type' | 'provider' | 'phase'>

/** Systems by name (globs and `web[1-3]` too) or id; each word must find one. */
const byNames = <S extends Pickable>(systems: readonly S[], words: readonly string[]): S[] => {
  const found = new Set<S>()
  const missing: string[] = []
  for (const pattern of words.flatMap(word => expandNodeset(word))) {
    const matcher = new RegExp(globToRegExp(pattern), 's')
    const matched = systems.filter(system => system.id === pattern || matcher.test(system.name))
    if (matched.length === 0) missing.push(pattern)
    for (const system of matched) found.add(system)
  }
  if (missing.length > 0)
    throw usage(`no system is called ${missing.slice(0, 5).join(', ')}; \`reops systems list\` shows what there is`)
  return [...found]
}

/**
 * The systems that words or a selector pick. For selectors a system has its labels and `type`, `provider` and `phase`.
 * Throws Fault 2 when there is nothing to pick, or nothing is picked and that is not allowed.
 */
export const pickSystems = <S extends Pickable>(
  systems: readonly S[],
  which: { readonly names: readonly string[]; readonly on: string | undefined; readonly allowNone?: boolean },
): S[] => {
  if (which.names.length > 0 && which.on !== undefined) throw usage('give either names or --on <selector>, not both')
  if (which.names.length === 0 && which.on === undefined) throw usage('which systems? give names or --on <selector>')
  try {
    if (which.on === undefined) return byNames(systems, which.names)
    const selector = parseSelector(which.on)
    const picked = systems.filter(system =>
      selects(selector, { ...system, labels: labelsOf(system), facts: {} }, noSaved),
    )
    if (picked.length === 0 && which.allowNone !== true)
      throw usage(`selector \`${which.on}\` matches none of ${systems.length} systems; allow that with --allow-none`)
    return picked
  } catch (error) {
    throw error instanceof SelectorError ? usage(error.message) : error
  }
}

const noSaved = (name: string): never => {
  throw usage(`@${name}: saved selectors pick hosts; systems are picked by name, label, type, provider and phase`)
}
const labelsOf = ({ labels, type, provider, phase }: Pickable) => ({ type, provider, phase, ...labels })

import { InventoryError } from './entry.ts'

const namesMax = 10_000

/** Ansible's ranges: `web[01:50]`, `db-[a:f]`, `n[0:100:10]`; several multiply. A name without one is itself. */
export const expandRanges = (pattern: string, where: string): string[] => {
  const match = /^([^[\]]*)\[([^[\]]*)\](.*)$/s.exec(pattern)
  if (!match) {
    if (/[[\]]/.test(pattern)) throw new InventoryError(`${where}: \`${pattern}\`: a bracket without its other half`)
    return [pattern]
  }
  const [, head = '', range = '', tail = ''] = match
  const parts = partsOf(range, where)
  const tails = expandRanges(tail, where)
  if (parts.length * tails.length > namesMax)
    throw new InventoryError(`${where}: \`${pattern}\` is more than ${namesMax} hosts`)
  return parts.flatMap(part => tails.map(rest => `${head}${part}${rest}`))
}

const partsOf = (range: string, where: string): string[] => {
  const bad = (): never => {
    throw new InventoryError(`${where}: [${range}] is not a range such as [01:50], [a:f] or [0:100:10] that goes up`)
  }
  const [first = '', last = '', step = '1', ...more] = range.split(':')
  const by = /^[1-9]\d{0,8}$/.test(step) ? Number(step) : bad()
  const numbers = /^\d{1,9}$/.test(first) && /^\d{1,9}$/.test(last)
  if (more.length > 0) return bad()
  if (numbers) {
    const found = numbered(first, last, by) ?? bad()
    if (found === 'many') throw new InventoryError(`${where}: [${range}] is more than ${namesMax} hosts`)
    return found
  }
  if (/^([a-z]:[a-z]|[A-Z]:[A-Z])$/.test(`${first}:${last}`)) {
    const [from, to] = [first.charCodeAt(0), last.charCodeAt(0)]
    if (to < from) return bad()
    return Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, n) => String.fromCharCode(from + n * by))
  }
  return bad()
}

const numbered = (first: string, last: string, by: number): string[] | 'many' | null => {
  const count = Math.floor((Number(last) - Number(first)) / by) + 1
  if (count < 1 || (first.startsWith('0') && first.length > 1 && first.length !== last.length)) return null
  if (count > namesMax) return 'many'
  return Array.from({ length: count }, (_, n) => String(Number(first) + n * by).padStart(first.length, '0'))
}

import type { Stats } from './orders.ts'

const added = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map(key => [key, (a[key] ?? 0) + (b[key] ?? 0)]),
  )

/** The counts of all processes together. */
export const sumOf = (all: readonly Stats[]): Stats =>
  all.reduce((a, b) => {
    const { faults, said, heard, ends, ...numbers } = a
    const { faults: faultsB, said: saidB, heard: heardB, ends: endsB, ...numbersB } = b
    const tables = { faults: added(faults, faultsB), said: added(said, saidB), heard: added(heard, heardB) }
    return { ...added(numbers, numbersB), ...tables, ends: { ...ends, ...endsB } } as Stats
  })

import type { Stats } from './orders.ts'

const added = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map(key => [key, (a[key] ?? 0) + (b[key] ?? 0)]))

/** The counts of all processes together. */
export const sumOf = (all: readonly Stats[]): Stats =>
  all.reduce((a, b) => {
    const { faults, ends, ...numbers } = a
    const { faults: faultsB, ends: endsB, ...numbersB } = b
    return { ...added(numbers, numbersB), faults: added(faults, faultsB), ends: { ...ends, ...endsB } } as Stats
  })

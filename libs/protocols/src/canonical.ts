/** JSON with sorted keys: equal values have equal text, whatever the order their fields came in. */
export const canonical = (value: unknown): string => JSON.stringify(sorted(value)) ?? 'undefined'

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  )
}

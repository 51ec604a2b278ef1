/** The path of a field as people write it: `os.id`, or `value.os.id` from the result; `.` (or `value`) is the value itself. */
export const fieldPath = (text: string): string => (text === 'value' ? '.' : text.replace(/^value\.(?=.)/, ''))

/** All values at a path such as `mounts.used`; lists are looked into. What is missing or null is none. */
export const valuesAt = (value: unknown, path: string): unknown[] => walk(value, path === '.' ? [] : path.split('.'))

const walk = (value: unknown, path: readonly string[]): unknown[] => {
  if (Array.isArray(value)) return value.flatMap(one => walk(one, path))
  const [key, ...rest] = path
  if (key === undefined) return value === undefined || value === null ? [] : [value]
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return []
  return walk((value as Record<string, unknown>)[key], rest)
}

/** Machines of one kind differ in the last digits of their sizes: two are enough to tell kinds apart. */
const roughly = (value: unknown): unknown => (typeof value === 'number' ? Number(value.toPrecision(2)) : value)

/** For `fold` of an operation: the value with the numbers at some paths (lists are looked into) said roughly. */
export const rough =
  (...paths: readonly string[]) =>
  (value: unknown): unknown =>
    paths.reduce((so, path) => at(so, path.split('.')), value)

const at = (value: unknown, path: readonly string[]): unknown => {
  if (Array.isArray(value)) return value.map(one => at(one, path))
  const [key, ...rest] = path
  if (key === undefined) return roughly(value)
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return value
  return { ...value, [key]: at((value as Record<string, unknown>)[key], rest) }
}

export { canonical } from '@re-ops/protocols/canonical'

/** The value without the fields named, each a path such as `at` or `memory.availableBytes`; lists are looked into. */
export const without = (value: unknown, paths: readonly string[]): unknown =>
  paths.reduce((so, path) => drop(so, path.split('.')), value)

const drop = (value: unknown, path: readonly string[]): unknown => {
  if (Array.isArray(value)) return value.map(one => drop(one, path))
  const [key, ...rest] = path
  if (typeof value !== 'object' || value === null || key === undefined || !Object.hasOwn(value, key)) return value
  const { [key]: dropped, ...others } = value as Record<string, unknown>
  return rest.length === 0 ? others : { ...others, [key]: drop(dropped, rest) }
}

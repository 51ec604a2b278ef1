/**
 * About how many bytes a value takes in memory: what limits on results are counted by. Exact to a factor of two or so, and much cheaper than its JSON.
 * Stops counting at `max`.
 */
export const roughBytes = (value: unknown, max = Number.POSITIVE_INFINITY): number => {
  if (typeof value === 'string') return value.length + overhead
  if (typeof value !== 'object' || value === null) return overhead
  let bytes = 0
  // Not recursive: how deep it is nested was decided by somebody else.
  const left: unknown[] = [value]
  while (left.length > 0 && bytes < max) {
    const one = left.pop()
    bytes += overhead
    if (typeof one === 'string') bytes += one.length
    if (typeof one !== 'object' || one === null) continue
    for (const [key, inner] of Object.entries(one)) {
      bytes += Array.isArray(one) ? 0 : key.length
      left.push(inner)
    }
  }
  return bytes
}
const overhead = 16

import { harmless } from './paint.ts'

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
/** Powers of 1024, two digits or more. */
export const bytesText = (value: number): string => {
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10))
  const scaled = value / 1024 ** power
  return `${scaled < 10 && power > 0 ? scaled.toFixed(1) : Math.round(scaled)} ${units[power]}`
}

/** A value without a table of its own: text as it is, numbers of bytes for people, the rest as compact JSON. */
export const valueText = (value: unknown, name = ''): string => {
  if (value === undefined || value === null) return '-'
  if (typeof value === 'string') return harmless(value.trimEnd())
  if (typeof value === 'number' && /bytes$/i.test(name)) return bytesText(value)
  if (typeof value === 'number' && !Number.isInteger(value)) return String(Math.round(value * 1000) / 1000)
  return harmless(JSON.stringify(value))
}

/** Whether the value is best shown as columns by its own fields: a small flat object. */
export const isFlat = (value: unknown): value is Record<string, string | number | boolean | null> =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length > 0 &&
  Object.keys(value).length <= 8 &&
  Object.values(value).every(one => typeof one !== 'object' || one === null)

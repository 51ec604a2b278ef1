import { usage } from '../fault.ts'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `10s`, `5m`, `2h`, `30d` -> milliseconds; `what` names the option in the error. */
export const durationMs = (text: string, what: string, limits: { min?: number; max?: number } = {}): number => {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|min|h|d)$/.exec(text.trim())
  const ms = match ? Math.round(Number(match[1]) * (units[match[2] as string] as number)) : Number.NaN
  if (Number.isNaN(ms))
    throw usage(`${what}: \`${text}\` is not a duration; write for example 500ms, 10s, 5m, 2h or 30d`)
  const { min = 1, max = 31_536_000_000 } = limits
  if (ms < min || ms > max)
    throw usage(`${what}: \`${text}\` is out of range; allowed is ${min / 1000}s to ${max / 1000}s`)
  return ms
}

import { Type } from '@re-ops/pipelines'
import type { Reading } from './rates.ts'
import { sections } from '../sections.ts'

const windowMsDefault = 1000
export const Window = {
  windowMs: Type.Optional(
    Type.Integer({ minimum: 50, maximum: 60_000, description: 'how long it looks; default 1000' }),
  ),
}
export type Window = { windowMs?: number }

/** Reads twice, `$1` seconds apart. The uptime (10 ms steps) is the clock: it does not jump. */
export const twice = (
  read: string,
  after = ':',
) => `read_it() { echo "== at$1"; cat /proc/uptime; echo "== read$1"; ${read}; }
read_it a; sleep "$1"; read_it b; ${after}`
export const windowArgs = ({ windowMs = windowMsDefault }: Window) => [String(windowMs / 1000)]
export const callTimeoutMs = ({ windowMs = windowMsDefault }: Window) => windowMs + 30_000

export const readings = (stdout: string): { parts: ReadonlyMap<string, string>; before: Reading; after: Reading } => {
  const parts = sections(stdout)
  const reading = (name: string): Reading => {
    const atMs = Math.round(Number.parseFloat(parts.get(`at${name}`) ?? '') * 1000)
    if (Number.isNaN(atMs)) throw new Error('no uptime in the output')
    return { atMs, text: parts.get(`read${name}`) ?? '' }
  }
  return { parts, before: reading('a'), after: reading('b') }
}

import type { Native } from '@re-ops/protocols'

/** The native forms, by operation. Imported by the agent alone, which prefers them to the shell forms. */
export const natives: ReadonlyMap<string, Native<unknown, unknown>> = new Map([
  ['ping', () => Promise.resolve({ pong: true, at: new Date().toISOString() })],
])

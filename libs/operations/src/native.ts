import type { Native } from '@re-ops/protocols'
import { metricsNatives } from './metrics/metrics.native.ts'

/** The native forms, by operation. Imported by the agent alone, which prefers them to the shell forms. */
export const natives: ReadonlyMap<string, Native<unknown, unknown>> = new Map<string, Native<unknown, unknown>>([
  ['ping', () => Promise.resolve({ pong: true, at: new Date().toISOString() })],
  ...metricsNatives,
])

import { newId, type SystemSpec } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'

/** The row of a system that was just asked for. */
export const newRow = (spec: SystemSpec, now: number): SystemRow => ({
  id: newId(),
  ...spec,
  desired: 'running',
  wantGeneration: 1,
  generation: 1,
  candidate: 0,
  phase: 'planned',
  phases: [{ name: 'planned', at: new Date(now).toISOString() }],
  phaseAt: now,
  reason: null,
  attempt: 0,
  restarts: 0,
  nextAt: now,
  frozenRequest: null,
  registeredAt: null,
  sentAt: null,
  ref: null,
  destroyedAt: null,
  revokedAt: null,
  observed: null,
  observedAt: null,
  downAt: null,
  missingAt: null,
  host: null,
  leaseEpoch: 0,
  createdAt: now,
  createCalledAt: null,
  readyAfterMs: null,
})

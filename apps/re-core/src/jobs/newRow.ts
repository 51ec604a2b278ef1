import { newId, type SystemSpec } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'

/** A system that nobody has said more about: no lease, ours in full, its power is kept as wanted. */
export const unleased = {
  leaseMs: null,
  leaseExpiresAt: null,
  leaseMaxAt: null,
  leaseOnEnd: 'destroy',
  leaseBy: null,
  leaseThere: null,
  leaseNote: null,
} as const satisfies Partial<SystemRow>

/** The row of a system that was just asked for. */
export const newRow = (spec: SystemSpec, now: number): SystemRow => ({
  id: newId(),
  ...spec,
  ...unleased,
  origin: 'created',
  managed: 'full',
  fixes: ['power'],
  onLost: 'alert',
  drift: [],
  protectedThere: false,
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

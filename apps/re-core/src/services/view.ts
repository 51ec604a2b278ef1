import type { Job, PhaseSpan, System } from '@re-ops/protocols'
import { addressOf } from '../jobs/addresses.ts'
import { leaseReason, leaseView } from './lease-view.ts'
import type { JobRow, PhaseMark, SystemRow } from '../store/row.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

/** Marks as spans: each lasted until the next began; the last one lasts. */
const spans = (marks: readonly PhaseMark[]): PhaseSpan[] =>
  marks.map((mark, n) => {
    const next = marks[n + 1]
    return { ...mark, ms: next === undefined ? null : Math.max(0, Date.parse(next.at) - Date.parse(mark.at)) }
  })

/** A system as the world sees it: no request, no epoch, no secret. */
export const systemView = (row: SystemRow): System => ({
  id: row.id,
  name: row.name,
  provider: row.provider,
  account: row.account,
  region: row.region,
  type: row.type,
  size: row.size,
  image: row.image,
  labels: row.labels,
  readiness: row.readiness,
  protected: row.protected,
  options: row.options,
  lease: leaseView(row),
  origin: row.origin,
  policy: { managed: row.managed, fixes: [...row.fixes], onLost: row.onLost },
  drift: [...row.drift],
  generation: row.generation,
  desired: row.desired,
  observed: row.observed,
  phase: row.phase,
  phases: spans(row.phases),
  reason: row.reason ?? leaseReason(row),
  ref: row.ref,
  host: row.host,
  address: addressOf(row.addresses),
  addresses: [...row.addresses],
  createdAt: iso(row.createdAt),
  createdBy: row.createdBy,
  readyAfterMs: row.readyAfterMs,
})

export const jobView = (row: JobRow): Job => ({
  id: row.id,
  system: row.system,
  name: row.name,
  verb: row.verb,
  input: row.input,
  state: row.state,
  error: row.error,
  phases: spans(row.phases),
  createdAt: iso(row.createdAt),
  finishedAt: row.finishedAt === null ? null : iso(row.finishedAt),
})

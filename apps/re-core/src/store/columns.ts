import type { JobRow, OpRow, PhaseMark, SystemRow } from './row.ts'

type Column = { readonly name: string; readonly isTime?: true; readonly isNumber?: true; readonly isJson?: true }
const column = (name: string, more: Omit<Column, 'name'> = {}): Column => ({ name, ...more })
const time = { isTime: true } as const

/** Each field of a system's row and the column it stands in. */
export const columns: { readonly [F in keyof SystemRow]: Column } = {
  id: column('id'),
  name: column('name'),
  provider: column('provider'),
  account: column('account'),
  region: column('region'),
  type: column('type'),
  size: column('size'),
  image: column('image'),
  labels: column('labels', { isJson: true }),
  readiness: column('readiness'),
  protected: column('protected'),
  protectedThere: column('protected_there'),
  nameThere: column('name_there'),
  labelsThere: column('labels_there', { isJson: true }),
  imageRef: column('image_ref'),
  options: column('options', { isJson: true }),
  besideDone: column('beside_done'),
  keepVolumes: column('keep_volumes'),
  leaseMs: column('lease_ms', { isNumber: true }),
  leaseExpiresAt: column('lease_expires_at', time),
  leaseMaxAt: column('lease_max_at', time),
  leaseOnEnd: column('lease_on_end'),
  leaseBy: column('lease_by'),
  leaseThere: column('lease_there', time),
  leaseNote: column('lease_note'),
  origin: column('origin'),
  managed: column('managed'),
  fixes: column('fixes'),
  onLost: column('on_lost'),
  drift: column('drift', { isJson: true }),
  desired: column('desired'),
  wantGeneration: column('want_generation'),
  generation: column('generation'),
  candidate: column('candidate'),
  wantSize: column('want_size'),
  opRef: column('op_ref'),
  forceAt: column('force_at', time),
  stopSentAt: column('stop_sent_at', time),
  op: column('op'),
  verdict: column('verdict', { isJson: true }),
  phase: column('phase'),
  phases: column('phases', { isJson: true }),
  phaseAt: column('phase_at', time),
  reason: column('reason'),
  attempt: column('attempt'),
  restarts: column('restarts'),
  nextAt: column('next_at', time),
  frozenRequest: column('frozen_request'),
  registeredAt: column('registered_at', time),
  sentAt: column('sent_at', time),
  ref: column('ref'),
  destroyedAt: column('destroyed_at', time),
  revokedAt: column('revoked_at', time),
  observed: column('observed'),
  observedAt: column('observed_at', time),
  downAt: column('down_at', time),
  missingAt: column('missing_at', time),
  host: column('host'),
  addresses: column('addresses', { isJson: true }),
  leaseEpoch: column('lease_epoch', { isNumber: true }),
  createdAt: column('created_at', time),
  createdBy: column('created_by'),
  createCalledAt: column('create_called_at', time),
  readyAfterMs: column('ready_after_ms'),
}
const fields = Object.entries(columns) as readonly (readonly [keyof SystemRow, Column])[]

const fromColumn = (value: unknown, { isTime, isNumber }: Column): unknown => {
  if (isTime === true && value instanceof Date) return value.getTime()
  return isNumber === true && value !== null ? Number(value) : value
}
export const toColumn = (field: keyof SystemRow, value: unknown): unknown => {
  const { isTime, isJson } = columns[field]
  if (isTime === true && typeof value === 'number') return new Date(value)
  return isJson === true && value !== null ? JSON.stringify(value) : value
}

export const systemOf = (row: Record<string, unknown>): SystemRow =>
  Object.fromEntries(fields.map(([field, at]) => [field, fromColumn(row[at.name], at)])) as SystemRow

export const jobOf = (row: Record<string, unknown>): JobRow => ({
  id: row['id'] as string,
  system: row['system'] as string,
  name: row['name'] as string,
  verb: row['verb'] as JobRow['verb'],
  input: row['input'] as JobRow['input'],
  state: row['state'] as JobRow['state'],
  error: row['error'] as string | null,
  phases: row['phases'] as readonly PhaseMark[],
  createdAt: (row['created_at'] as Date).getTime(),
  finishedAt: (row['finished_at'] as Date | null)?.getTime() ?? null,
})

/** A time as rows hold it. */
export const dateOf = (ms: number | null): Date | null => (ms === null ? null : new Date(ms))
/** A time as it comes from Postgres, in ms since 1970. */
export const msOf = (at: unknown): number | null => (at instanceof Date ? at.getTime() : null)
export const opOf = (row: Record<string, unknown>): OpRow => ({
  id: row['id'] as string,
  system: row['system'] as string,
  kind: row['kind'] as OpRow['kind'],
  generation: row['generation'] as number,
  force: row['force'] as boolean,
  snapshot: row['snapshot'] as string | null,
  volume: row['volume'] as string | null,
  sentAt: msOf(row['sent_at']),
  acceptedAt: msOf(row['accepted_at']),
  opRef: row['op_ref'] as string | null,
  before: row['before'] as string | null,
  createdAt: msOf(row['created_at']) ?? 0,
})

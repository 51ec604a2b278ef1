import { callAt, modulesIn, type Cursor, type ModuleLookup } from '@re-ops/pipelines'
import type { ActiveCall, ActiveTarget, Rollout } from '../driver/types.ts'
import { claimRuns } from '../store/replicas.ts'
import { findAbandoned, type OpenTarget, type RunRow } from '../store/runs.ts'
import { defaultTimeoutMs, newRun } from './active-run.ts'
import { lookupOf } from './modules.ts'
import { storedRollout } from './rollout.ts'
import { decodeRun, type RunsDeps } from './runs.ts'

/**
 * Takes up stored runs that nobody drives: after a start all of this service, later those whose creation got lost with its connection, and at any
 * time those of services whose lease has expired.
 */
export const adoptRuns = async (deps: RunsDeps, olderThanMs: number): Promise<number> => {
  await claimRuns(deps.pool, deps.replica)
  const { runs, targets } = await findAbandoned(deps.pool, {
    known: deps.driver.runIds(),
    olderThanMs,
    owner: deps.replica,
  })
  const byRun = Map.groupBy(targets, target => target.run)
  const named = [...new Set(runs.flatMap(row => modulesIn(row.pipeline)))]
  const known = lookupOf(named.length === 0 ? new Map() : await deps.modules.load(named), { stored: true })
  for (const row of runs) {
    const rollout = row.control && (await storedRollout(deps.pool, { ...row, control: row.control }))
    if (deps.driver.get(row.id)) continue
    try {
      adopt(deps, row, { open: byRun.get(row.id) ?? [], modules: known, rollout })
    } catch (error) {
      deps.log.error(
        { err: error, run: row.id },
        'a stored run cannot be taken up: its pipeline is not understood any more',
      )
    }
  }
  if (runs.length > 0) deps.log.info({ runs: runs.length, targets: targets.length }, 'stored runs are taken up')
  return runs.length
}
type Stored = {
  readonly open: readonly OpenTarget[]
  readonly modules: ModuleLookup
  readonly rollout: Rollout | null
}
const adopt = (deps: RunsDeps, row: RunRow, { open: targets, modules, rollout }: Stored) => {
  const run = newRun({
    id: row.id,
    step: decodeRun(row.pipeline, modules, row.dry),
    requestId: row.request_id,
    timeoutMs: row.timeout_ms ?? defaultTimeoutMs,
    waitOnlineMs: row.wait_online_ms ?? 0,
    expected: row.expected,
    ageMs: Math.max(0, Date.now() - row.created_at.getTime()),
    cancelled: row.cancelled_at !== null,
    stop: row.stopped,
    rollout,
  })
  run.ok = row.ok
  Object.assign(run.failures, row.failures)
  run.open = targets.length
  const calls = targets.flatMap(stored => {
    const target: ActiveTarget = {
      run,
      host: stored.host,
      name: stored.host_name,
      transport: stored.transport,
      ssh: stored.ssh,
      call: null,
      barrier: null,
      ended: null,
    }
    run.targets.set(stored.host, target)
    if (stored.gathered) {
      target.barrier = { cursor: stored.cursor as never, value: stored.value, step: stored.step ?? '' }
      run.gathered += 1
    }
    return stored.call === null ? [] : [storedCall(deps, target, stored, stored.call)]
  })
  if (rollout) rollout.held = targets.filter(isHeld).flatMap(stored => run.targets.get(stored.host) ?? [])
  deps.driver.take(run, calls)
}
const isHeld = ({ call, gathered }: OpenTarget) => call === null && !gathered
/** Whatever its row says, an earlier process may have sent it: the agent is asked before anything else happens to it. */
const storedCall = (deps: RunsDeps, target: ActiveTarget, stored: OpenTarget, id: string): ActiveCall => {
  const progress = callAt(target.run.step, stored.cursor as Cursor)
  const call = deps.driver.newCall(target, progress, id, stored.redeliveries)
  if (call.transport === 'here') return call // whoever asked before is gone, and it only reads
  // Its host has had no session since the call was made, so nobody can have sent it.
  if (stored.unsent && call.transport === 'zmq') return call
  const acked = stored.call_state === 'acked' || stored.call_state === 'running'
  return {
    ...call,
    handed: true,
    state: stored.call_state ?? 'sent',
    ackedAt: acked ? (stored.acked_at?.toISOString() ?? null) : null,
    deadline: performance.now() + Math.max(15_000, call.timeoutMs + 5_000 - (stored.call_age_ms ?? 0)),
  }
}

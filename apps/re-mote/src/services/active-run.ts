import type { Run, Target } from '@re-ops/protocols'
import { driverLimits } from '../driver/limits.ts'
import type { ActiveRun, ActiveTarget } from '../driver/types.ts'
import type { Opening, PickedHost } from '../store/create-run.ts'

/** Of a call whose run says nothing else. */
export const defaultTimeoutMs = 60_000
/** Results of runs up to this size stay in memory until the run ends, for who waits; bigger ones are read back. */
const keptTargetsMax = 1_000

export type RunFacts = Pick<
  ActiveRun,
  'id' | 'step' | 'requestId' | 'timeoutMs' | 'waitOnlineMs' | 'expected' | 'cancelled' | 'stop' | 'rollout'
> & {
  ageMs: number
}
/** A run that begins now, or `ageMs` ago, with nothing of its targets yet. */
export const newRun = ({ ageMs, ...facts }: RunFacts): ActiveRun => ({
  ...facts,
  startedAt: performance.now() - ageMs,
  targets: new Map(),
  keepsResults: facts.expected <= keptTargetsMax,
  keptBytes: 0,
  cancelsBy: facts.cancelled ? performance.now() + driverLimits.cancelGraceMs : Infinity,
  open: 0,
  ending: 0,
  gathered: 0,
  ok: 0,
  failures: {},
  done: Promise.withResolvers<void>(),
})

/** Of a run whose hosts take turns: nothing happens to any before its turn. */
export const heldOpening: Opening = {
  state: 'queued',
  step: null,
  cursor: null,
  gathered: false,
  value: null,
  failure: null,
  call: false,
  held: true,
}
/** The targets as the statement stored them. Only those that are not terminal have something to do. */
export const openTargets = (run: ActiveRun, picked: readonly PickedHost[], online: Opening, offline: Opening) =>
  picked.flatMap(host => {
    const opening = host.online ? online : offline
    const { id, name, transport, ssh } = host
    const target: ActiveTarget = { run, host: id, name, transport, ssh, call: null, barrier: null, ended: null }
    run.targets.set(host.id, target)
    if (!opening.call && !opening.gathered && opening.held !== true) {
      target.ended = ended(target, opening)
      if (opening.state === 'ok') run.ok += 1
      else run.failures[opening.state] = (run.failures[opening.state] ?? 0) + 1
      return []
    }
    run.open += 1
    if (opening.gathered) {
      target.barrier = { cursor: opening.cursor as never, value: opening.value, step: opening.step ?? '' }
      run.gathered += 1
    }
    return [{ target, call: host.call }]
  })
const ended = (target: ActiveTarget, { state, step, value, failure }: Opening): Target => ({
  host: { id: target.host, name: target.name },
  state: state as Target['state'],
  step,
  ms: 0,
  ...(state === 'ok' ? { value } : {}),
  ...(failure ? { failure: failure as NonNullable<Target['failure']> } : {}),
})
export const stoppedIn = ({ stop }: ActiveRun): Pick<Run, 'stopped'> => (stop ? { stopped: stop } : {})
export const summaryOf = (run: ActiveRun): Run['summary'] => ({
  run: run.id,
  expected: run.expected,
  ok: run.ok,
  failed: run.expected - run.open - run.ok,
  failures: { ...run.failures },
})
/** Results that were kept, of all targets; null when they are to be read back. */
export const targetsOf = (run: ActiveRun): Target[] | null => {
  const targets: Target[] = []
  for (const { ended } of run.targets.values())
    if (ended === null || ended === true) return null
    else targets.push(ended)
  return targets
}

import { decideRollout, gathersIn, planRollout, type Step } from '@re-ops/pipelines'
import { runControlFields, type CreateRun, type RunControl, type RunRollout } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { Rollout } from '../driver/types.ts'
import { countRollout } from '../store/run-control.ts'
import type { RunRow } from '../store/runs.ts'
import type { Sql } from '../store/sql.ts'

type Controlled = Pick<RunRow, 'id' | 'expected' | 'ok' | 'failed' | 'paused_at'> & { readonly control: RunControl }

const refused = (field: string, why: string) => {
  const message = `/body/${field} ${why}`
  return new HttpProblem(400, 'bad-control', 'Bad run control', message, {
    errors: [{ path: `/body/${field}`, message }],
  })
}

/** The rules that a request names, checked against one another; null for a plain run, whose hosts all begin at once. */
export const askedControl = (body: CreateRun, step: Step<unknown, unknown>): RunControl | null => {
  const named = Object.keys(runControlFields).filter(field => body[field as keyof CreateRun] !== undefined)
  if (named.length === 0) return null
  const control = Object.fromEntries(named.map(field => [field, body[field as keyof CreateRun]])) as RunControl
  const { batch, serial, concurrency, canary, maxFailures } = control
  const turns = [batch, serial, concurrency, canary].some(one => one !== undefined)
  if (batch !== undefined && serial !== undefined)
    throw refused(
      'serial',
      'is not for runs with batch: give one of them (batch is a window that moves on, serial ends each batch)',
    )
  if (control.batchWaitMs !== undefined && !turns)
    throw refused('batchWaitMs', 'needs batch, serial, concurrency or canary: without, all hosts begin at once')
  if (maxFailures !== undefined && !turns && control.cancelRunning !== true)
    throw refused(
      'maxFailures',
      'needs batch, serial, concurrency or canary (without, all hosts begin at once), or cancelRunning',
    )
  if (control.cancelRunning !== undefined && maxFailures === undefined && canary === undefined)
    throw refused('cancelRunning', 'needs maxFailures or canary: it says what else happens when too many fail')
  if (turns && gathersIn(step))
    throw refused('pipeline', 'has a gather, at which all hosts wait for one another, so they cannot begin in turns')
  return control
}

const rolloutOf = (control: RunControl, expected: number) => ({
  plan: planRollout(control, expected),
  held: [],
  next: 0,
  failed: 0,
  paused: false,
  deadlineMs: control.deadlineMs ?? Infinity,
})

/** Of a run that begins now; who is held is told by its maker. */
export const newRollout = (control: RunControl, expected: number): Rollout => ({
  ...rolloutOf(control, expected),
  begun: 0,
  places: 0,
  endsAt: performance.now() + (control.deadlineMs ?? Infinity),
  lately: [],
})

/** Of a stored run, as its rows have it. */
export const storedRollout = async (sql: Sql, row: Controlled): Promise<Rollout | null> => {
  const keepsMs = row.control.batchWaitMs ?? 0
  const counts = await countRollout(sql, row.id, keepsMs)
  if (!counts) return null
  const { held, running, lately, ageMs } = counts
  return {
    ...rolloutOf(row.control, row.expected),
    begun: row.expected - held,
    places: running + lately.length,
    failed: row.failed,
    paused: row.paused_at !== null,
    endsAt: performance.now() + (row.control.deadlineMs ?? Infinity) - ageMs,
    lately,
  }
}

/** What the API says of it. */
export const shownRollout = async (sql: Sql, row: RunRow): Promise<{ rollout?: RunRollout }> => {
  const { control } = row
  if (row.state !== 'running' || !control) return {}
  const rollout = await storedRollout(sql, { ...row, control })
  if (!rollout) return {}
  const { begun, places, lately, paused, plan } = rollout
  const { stage, waitsFor } = decideRollout(plan, rollout)
  return {
    rollout: {
      begun,
      running: places - lately.length,
      held: plan.expected - begun,
      stage: stage.name,
      ...(stage.name === 'batch' ? { batch: { at: stage.at, of: stage.of } } : {}),
      paused,
      waitsFor: row.stopped?.reason ?? waitsFor,
    },
  }
}

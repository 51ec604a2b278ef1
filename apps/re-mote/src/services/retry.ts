import { modulesIn, onceIn } from '@re-ops/pipelines'
import { failureKinds, type CreateRun, type FailureKind, type RetryRun } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { listFailed, type FailedTarget } from '../store/run-control.ts'
import type { RunRow } from '../store/runs.ts'
import { lookupOf } from './modules.ts'
import { decodeRun, startRun, type RunsDeps, type Started } from './runs.ts'

type Asked = {
  readonly row: RunRow
  readonly asked: RetryRun
  readonly subject: string
  readonly requestId: string
  readonly key: string | undefined
}

const namedMax = 5
const names = (targets: readonly FailedTarget[]): string =>
  `${targets
    .slice(0, namedMax)
    .map(one => one.name)
    .join(', ')}${targets.length > namedMax ? `, … (${targets.length})` : ''}`

/** Nobody knows what the host did, or it may be at it still. */
const doubtfulKinds: readonly string[] = ['lost', 'timeout', 'cancelled'] satisfies FailureKind[]
const isDoubtful = ({ state, failure }: FailedTarget) => doubtfulKinds.includes(state) && failure?.started !== 'no'

/** A new run of the same on hosts whose target failed. Its rules hold anew, for the hosts that are left. */
export const retryRun = async (deps: RunsDeps, { row, asked, ...by }: Asked): Promise<Started> => {
  if (row.state === 'running')
    throw new HttpProblem(
      409,
      'run-not-done',
      'The run has not ended',
      `run ${row.id} is still running; cancel it, or wait for its end`,
    )
  const states = asked.states ?? failureKinds
  const failed = await listFailed(deps.pool, row.id, states)
  if (failed.length === 0) {
    const what = asked.states === undefined ? 'failed' : `ended ${asked.states.join(' or ')}`
    throw new HttpProblem(422, 'nothing-to-retry', 'Nothing to retry', `no host of run ${row.id} ${what}`)
  }
  if (asked.force !== true) await checkDoubts(deps, row, failed.filter(isDoubtful))
  return startRun(deps, {
    ...by,
    body: bodyOf(row),
    retry: {
      of: row.id,
      hosts: {
        condition:
          'h.id in (select f.host from mote.target f where f.run = $1 and f.finished_at is not null and f.state = any($2::text[]))',
        parameters: [row.id, states],
      },
    },
  })
}

const checkDoubts = async (deps: RunsDeps, row: RunRow, doubtful: readonly FailedTarget[]): Promise<void> => {
  if (doubtful.length === 0 || row.dry) return
  const named = modulesIn(row.pipeline)
  const lookup = lookupOf(named.length === 0 ? new Map() : await deps.modules.load(named))
  const [once] = onceIn(decodeRun(row.pipeline, lookup, row.dry))
  if (once === undefined) return
  const kinds = [...new Set(doubtful.map(one => one.state))].join(', ')
  throw new HttpProblem(
    409,
    'may-have-run',
    'It may have run already',
    `${once} neither only reads nor is idempotent, and may have run on ${names(doubtful)} (${kinds}); force (--yes) runs it again all the same`,
  )
}

const bodyOf = ({ selector, pipeline, timeout_ms, wait_online_ms, control, dry }: RunRow): CreateRun => ({
  on: selector,
  pipeline,
  ...(timeout_ms === null ? {} : { timeoutMs: timeout_ms }),
  ...(wait_online_ms === null ? {} : { waitOnline: wait_online_ms }),
  ...control,
  ...(dry ? { dryRun: true } : {}),
})

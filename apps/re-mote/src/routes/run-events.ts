import type { Target } from '@re-ops/protocols'
import { openEvents } from '@re-ops/service'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { runAggregateOf, runningSummary, type aggregatorFor } from '../services/summaries.ts'
import { findRun, listTargets, summaryOf, type RunRow } from '../store/runs.ts'
import type { RouteDeps } from './deps.ts'

type Http = { readonly request: FastifyRequest; readonly reply: FastifyReply }
type Streamed = {
  readonly row: RunRow
  /** What to take together meanwhile; null is nothing. */
  readonly aggregator: ReturnType<typeof aggregatorFor> | null
  readonly targets: boolean
}

/** First what had ended, from Postgres, then the rest as it ends; each target once. Listening starts before reading, so nothing is missed. */
export const streamRun = async ({ pool, hub }: RouteDeps, { request, reply }: Http, run: Streamed): Promise<void> => {
  const { id } = run.row
  const stream = openEvents(request, reply)
  const told = new Set<string>()
  let state: RunRow['state'] = 'running'
  const running =
    run.aggregator &&
    runningSummary(run.aggregator, report => stream.send('aggregate', runAggregateOf({ ...run.row, state }, report)))
  const tell = (target: Target) => {
    if (told.has(target.host.id)) return
    told.add(target.host.id)
    if (run.targets) stream.send('target', target, target.host.id)
    running?.put(target)
  }
  let replayed = false
  const early: (() => void)[] = []
  const finish = (summary: unknown) => {
    state = 'done'
    running?.flush()
    stream.send('done', summary)
    stream.end()
  }
  const stop = hub.listenToRun(id, {
    target: target => (replayed ? tell(target) : early.push(() => tell(target))),
    done: summary => (replayed ? finish(summary) : early.push(() => finish(summary))),
  })
  stream.closed.addEventListener('abort', () => {
    stop()
    running?.close()
  })
  try {
    for (const target of await listTargets(pool, id, { endedOnly: true })) tell(target)
    const row = await findRun(pool, id)
    replayed = true
    if (row?.state === 'done') {
      // Targets that ended between the two readings.
      for (const target of await listTargets(pool, id, { endedOnly: true })) tell(target)
      finish(summaryOf(row))
    } else for (const event of early) event()
  } catch (error) {
    request.log.warn({ err: error }, 'the events of a run could not be read; the reader comes back')
    running?.close()
    stream.end()
  }
}

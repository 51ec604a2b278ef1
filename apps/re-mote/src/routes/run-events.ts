import type { Target } from '@re-ops/protocols'
import { openEvents } from '@re-ops/service'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { runAggregateOf, runningSummary, type aggregatorFor } from '../services/summaries.ts'
import { findRun, findTargets, listEnded, summaryOf, type RunRow } from '../store/runs.ts'
import type { RouteDeps } from './deps.ts'
import { watchElsewhere } from './run-elsewhere.ts'

type Http = { readonly request: FastifyRequest; readonly reply: FastifyReply }
type Streamed = {
  readonly row: RunRow
  /** What to take together meanwhile; null is nothing. */
  readonly aggregator: ReturnType<typeof aggregatorFor> | null
  readonly targets: boolean
}

/** Results are read again in pages of so many, so that a reader who is slow holds no more than one page here. */
const pageMax = 16

/**
 * What had ended, from Postgres, then the rest as it ends; each target once, as fast as the reader takes them. What ends while the reader is behind is
 * kept as the id of its host, and read when its turn comes. Listening starts before reading, so nothing is missed.
 */
export const streamRun = async (
  { pool, hub, driver }: RouteDeps,
  { request, reply }: Http,
  run: Streamed,
): Promise<void> => {
  const { id } = run.row
  const stream = openEvents(request, reply)
  const told = new Set<string>()
  const untold = new Set<string>()
  let isReading = true
  let summary: unknown
  const running =
    run.aggregator &&
    runningSummary(run.aggregator, report => {
      const state = summary === undefined ? 'running' : 'done'
      stream.send('aggregate', runAggregateOf({ ...run.row, state }, report))
    })
  const tell = (target: Target) => {
    if (told.has(target.host.id)) return
    told.add(target.host.id)
    if (run.targets) stream.send('target', target, target.host.id)
    running?.put(target)
  }
  const finish = () => {
    running?.flush()
    stream.send('done', summary)
    stream.end()
  }
  const fail = (error: unknown) => {
    request.log.warn({ err: error }, 'the events of a run could not be read; the reader comes back')
    running?.close()
    stream.end()
  }
  const catchUp = async () => {
    isReading = true
    while (untold.size > 0 && !stream.closed.aborted) {
      const page = untold.values().take(pageMax).toArray()
      for (const target of await findTargets(pool, id, page)) {
        await stream.room()
        tell(target)
      }
      for (const host of page) untold.delete(host)
    }
    isReading = false
    if (summary !== undefined && !stream.closed.aborted) finish()
  }
  const stop = hub.listenToRun(id, {
    target: target => {
      if (!isReading && stream.room() === undefined) return tell(target)
      if (!told.has(target.host.id)) untold.add(target.host.id)
      if (!isReading) catchUp().catch(fail)
    },
    done: counts => {
      summary ??= counts
      if (!isReading) finish()
    },
  })
  stream.closed.addEventListener('abort', () => {
    stop()
    running?.close()
  })
  try {
    for (const host of await listEnded(pool, id)) untold.add(host)
    const row = await findRun(pool, id)
    if (row?.state === 'done') {
      // Targets that ended between the two readings.
      for (const host of await listEnded(pool, id)) untold.add(host)
      summary ??= summaryOf(row)
    }
    await catchUp()
    await watchElsewhere({ pool, driver }, id, {
      ended: async hosts => {
        for (const host of hosts) if (!told.has(host)) untold.add(host)
        if (!isReading) await catchUp()
      },
      done: counts => {
        if (summary !== undefined) return
        summary = counts
        if (!isReading) finish()
      },
      closed: stream.closed,
    })
  } catch (error) {
    fail(error)
  }
}

import type { HostResult, RunAggregate, RunEvent, RunSummary, Target } from '@re-ops/protocols'
import { resultOf } from '@re-ops/protocols/target'
import { follow, type EventOptions } from './events.ts'
import type { Service } from './http.ts'
import { aggregateShape, shaped, summaryShape, targetShape } from './shape.ts'

export type RunProgress = Exclude<RunEvent, { event: 'aggregate' }>

const pathOf = (id: string) => `/v1/runs/${encodeURIComponent(id)}/events`

/** Each target once, as it ends, then `done`. */
export async function* runEvents(service: Service, id: string, options: EventOptions): AsyncGenerator<RunProgress> {
  const path = pathOf(id)
  const seen = new Set<string>()
  const read = (event: string, data: unknown): RunProgress | undefined => {
    if (event === 'target') return { event, data: shaped<Target>(data, 'target', targetShape, path) }
    if (event === 'done') return { event, data: shaped<RunSummary>(data, 'run summary', summaryShape, path) }
    return undefined
  }
  for await (const event of follow<RunProgress>(service, path, { read, last: one => one.event === 'done' }, options)) {
    if (event.event === 'target') {
      if (seen.has(event.data.host.id)) continue // the server tells what ended before, again on each connection
      seen.add(event.data.host.id)
    }
    yield event
  }
}

export async function* runResults(
  service: Service,
  id: string,
  options: EventOptions,
): AsyncGenerator<HostResult<unknown>> {
  for await (const event of runEvents(service, id, options)) if (event.event === 'target') yield resultOf(event.data)
}

/** Whole on each connection: the server takes what had ended before together again. */
export async function* runAggregates(
  service: Service,
  run: { readonly id: string; readonly query: string },
  options: EventOptions,
): AsyncGenerator<RunAggregate> {
  const path = `${pathOf(run.id)}${run.query}`
  const read = (event: string, data: unknown): RunAggregate | undefined =>
    event === 'aggregate' ? shaped<RunAggregate>(data, 'aggregate', aggregateShape, path) : undefined
  yield* follow<RunAggregate>(service, path, { read, last: one => one.state === 'done' }, options)
}

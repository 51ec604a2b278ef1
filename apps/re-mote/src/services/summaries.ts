import { operationNamed } from '@re-ops/operations'
import {
  aggregate,
  checkField,
  fieldPath,
  groupBy,
  parseSummary,
  SummaryError,
  type Aggregate,
  type AggregateReport,
  type GroupedReport,
  type SummarySpec,
} from '@re-ops/pipelines'
import { lastOperation, resultOf, type RunAggregate, type Target } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { pageOfEnded, type RunRow } from '../store/runs.ts'
import type { Sql } from '../store/sql.ts'

/** What a reader wants taken together. */
export type Asked = { readonly by?: string | undefined; readonly of?: string | undefined }
export type Report = AggregateReport | GroupedReport
type RunAggregator = Aggregate<unknown, unknown, Report>

const pageMax = 1_000

const refused = <T>(name: 'by' | 'of', read: () => T): T => {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SummaryError)) throw error
    const message = `/query/${name} ${error.message}`
    throw new HttpProblem(400, 'bad-summary', 'Bad summary', message, { errors: [{ path: `/query/${name}`, message }] })
  }
}

/** The aggregate that is asked for; without `of` it is what the run's last operation says of itself. */
export const aggregatorFor = (row: Pick<RunRow, 'pipeline'>, { by, of }: Asked): RunAggregator => {
  const name = lastOperation(row.pipeline)
  const operation = name === undefined ? undefined : operationNamed(name)
  const parsed = of === undefined ? undefined : refused('of', () => parseSummary(of))
  if (operation) {
    for (const path of Object.keys(parsed ?? {})) refused('of', () => checkField(operation, path))
    if (by !== undefined) refused('by', () => checkField(operation, by))
  }
  const asked = parsed ? withPaths(parsed) : (operation?.summary ?? {})
  return by === undefined ? aggregate(asked) : groupBy(fieldPath(by), asked)
}
const withPaths = (summary: SummarySpec): SummarySpec =>
  Object.fromEntries(Object.entries(summary).map(([path, functions]) => [fieldPath(path), functions]))

/** As the API shows it. */
export const runAggregateOf = (row: Pick<RunRow, 'id' | 'state' | 'expected'>, report: Report): RunAggregate => ({
  run: row.id,
  state: row.state,
  expected: row.expected,
  ...(report as object as Pick<RunAggregate, 'ok' | 'failures'>),
})

/** Takes the stored results together page by page, so that memory does not grow with them. */
export const summariseRun = async (sql: Sql, run: string, aggregator: RunAggregator): Promise<Report> => {
  let state = aggregator.empty
  let after: string | null = null
  for (;;) {
    const page: Target[] = await pageOfEnded(sql, { run, after, limit: pageMax })
    state = aggregator.merge(state, aggregator.of(page.map(resultOf)))
    after = page.at(-1)?.host.id ?? null
    if (page.length < pageMax) return aggregator.end(state)
  }
}

export type Running = { put(target: Target): void; flush(): void; close(): void }

const tellEveryMs = 500

/** Takes results together as they arrive, and tells what it has come to, at most twice a second. */
export const runningSummary = (aggregator: RunAggregator, tell: (report: Report) => void): Running => {
  let state = aggregator.empty
  let waiting: Target[] = []
  let timer: NodeJS.Timeout | undefined
  const merge = () => {
    state = aggregator.merge(state, aggregator.of(waiting.map(resultOf)))
    waiting = []
  }
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    merge()
    tell(aggregator.end(state))
  }
  return {
    put: target => {
      if (waiting.push(target) >= pageMax) merge()
      timer ??= setTimeout(flush, tellEveryMs)
    },
    flush,
    close: () => clearTimeout(timer),
  }
}

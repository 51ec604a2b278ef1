import { operationNamed } from '@re-ops/operations'
import {
  aggregate,
  checkField,
  fieldPath,
  foldResults,
  groupBy,
  parseSummary,
  SummaryError,
  type AggregateReport,
  type GroupedReport,
  type SummarySpec,
} from '@re-ops/pipelines'
import type { HostResult, RunStop } from '@re-ops/protocols'
import type { Missing } from '@re-ops/protocols/target'
import type { SummaryAsked } from '../arguments/summary.ts'
import type { Context } from '../context.ts'
import { usage } from '../fault.ts'
import { missingText, outcomeText, runNotes, summaryText } from '../render/outcome.ts'
import { groupsReport, summaryReport } from '../render/summary.ts'

type Outcome = {
  readonly results: readonly HostResult<unknown>[]
  readonly missing: readonly Missing[]
  readonly summary: { run: string; expected: number; ok: number; failed: number; failures: Record<string, number> }
  readonly ms: number
  readonly operation: string | undefined
  /** Taken together instead of shown host by host. */
  readonly asked: SummaryAsked | null
  readonly dryRun?: boolean
  readonly stopped?: RunStop | undefined
}

/** The fields to take together: those asked for, else what the operation says of itself. */
export const fieldsAsked = (operation: string | undefined, { of, by }: SummaryAsked): SummarySpec => {
  const known = operation === undefined ? undefined : operationNamed(operation)
  if (known && by !== undefined) named('--group-by', () => checkField(known, by))
  if (of === undefined) {
    const own = known?.summary
    if (!own && by === undefined)
      throw usage(
        `${operation ?? 'this pipeline'} has no summary of its own; name fields: --summary field:sum,mean,p95`,
      )
    return own ?? {}
  }
  return named('--summary', () => {
    const asked = Object.entries(parseSummary(of))
    if (known) for (const [path] of asked) checkField(known, path)
    return Object.fromEntries(asked.map(([path, names]) => [fieldPath(path), names]))
  })
}

const named = <T>(option: '--summary' | '--group-by', read: () => T): T => {
  try {
    return read()
  } catch (error) {
    throw error instanceof SummaryError ? usage(`${option}: ${error.message}`) : error
  }
}

export const aggregated = (
  results: readonly HostResult<unknown>[],
  operation: string | undefined,
  asked: SummaryAsked,
): AggregateReport | GroupedReport => {
  const fields = fieldsAsked(operation, asked)
  if (asked.by === undefined) {
    const all = aggregate(fields)
    return all.end(all.of(results))
  }
  const grouped = groupBy(fieldPath(asked.by), fields)
  return grouped.end(grouped.of(results))
}

/** The folded table, or what the results come to; who is missing; and the line of counts. */
export const showOutcome = ({ terminal }: Context, outcome: Outcome): void => {
  const { paint, columns } = terminal
  const look = { paint, width: columns }
  const operation = outcome.operation === undefined ? undefined : operationNamed(outcome.operation)
  const results = outcome.asked ? outcome.results.filter(result => !result.ok) : outcome.results
  const groups = foldResults(results, operation)
  terminal.out(outcomeText(groups, operation?.display, look))
  if (outcome.asked) {
    const report = aggregated(outcome.results, outcome.operation, outcome.asked)
    terminal.out('by' in report ? groupsReport(report, look) : summaryReport(report, look))
  }
  terminal.out(runNotes(outcome, paint))
  terminal.out(missingText(outcome.missing, outcome.summary.expected, paint))
  terminal.out(`${summaryText(outcome.summary, outcome.ms, paint)}\n`)
  if (outcome.summary.failed > 0) terminal.out(paint.dim(`reops runs show ${outcome.summary.run}\n`))
}

import { operationNamed } from '@re-ops/operations'
import { foldResults } from '@re-ops/pipelines'
import type { HostResult } from '@re-ops/protocols'
import type { Context } from '../context.ts'
import { outcomeText, summaryText } from '../render/outcome.ts'

type Outcome = {
  readonly results: readonly HostResult<unknown>[]
  readonly summary: { run: string; expected: number; ok: number; failed: number; failures: Record<string, number> }
  readonly ms: number
  readonly operation: string | undefined
}

/** The folded table and the line of counts. */
export const showOutcome = ({ terminal }: Context, outcome: Outcome): void => {
  const operation = outcome.operation === undefined ? undefined : operationNamed(outcome.operation)
  const groups = foldResults(outcome.results, operation?.varies ? { varies: operation.varies } : {})
  const { paint, columns } = terminal
  terminal.out(outcomeText(groups, operation?.display, { paint, width: columns }))
  terminal.out(`${summaryText(outcome.summary, outcome.ms, paint)}\n`)
  if (outcome.summary.failed > 0) terminal.out(paint.dim(`reops runs show ${outcome.summary.run}\n`))
}

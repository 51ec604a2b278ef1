import type { Report } from '../proof/report.ts'
import { recordedShortcoming, type RecordedCase } from './recorded.ts'
import type { Verdict } from './run-examples.ts'

/** How one operation stands. `live` is an example that works, over both transports. */
export type Standing = {
  readonly operation: string
  readonly end: 'pass' | 'differs' | 'failed' | 'recorded' | 'skipped'
  readonly live: boolean
  readonly examples: number
  /** Errors that both transports told alike. */
  readonly errors: number
  readonly recorded: number
  /** One line for each thing that is wrong, and the reason of what is skipped. */
  readonly why: readonly string[]
}

export const standingsOf = (
  operations: readonly string[],
  verdicts: readonly Verdict[],
  recorded: ReadonlyMap<string, readonly RecordedCase[]>,
): Standing[] => {
  const byOperation = Map.groupBy(verdicts, one => one.operation)
  return operations.map(operation =>
    standing(operation, byOperation.get(operation) ?? [], recorded.get(operation) ?? []),
  )
}

const standing = (operation: string, verdicts: readonly Verdict[], cases: readonly RecordedCase[]): Standing => {
  const passed = verdicts.filter(one => one.end === 'pass')
  const live = passed.some(one => !one.isError)
  const short = live ? null : recordedShortcoming(cases)
  const bad = verdicts.filter(one => one.end === 'differs' || one.end === 'failed')
  const skipped = [...new Set(verdicts.filter(one => one.end === 'skipped').flatMap(one => one.why))]
  const why = bad.flatMap(one => one.why.map(text => `${one.example}: ${text}`))
  const notLive = live ? [] : [...skipped, ...(short === null ? [] : [short])]
  return {
    operation,
    end: endOf(bad, live, short),
    live,
    examples: passed.length,
    errors: passed.filter(one => one.isError).length,
    recorded: cases.length,
    why: [...why, ...notLive],
  }
}

const endOf = (bad: readonly Verdict[], live: boolean, short: string | null): Standing['end'] => {
  if (bad.some(one => one.end === 'differs')) return 'differs'
  if (bad.length > 0) return 'failed'
  if (live) return 'pass'
  return short === null ? 'recorded' : 'skipped'
}

export const reportOf = (standings: readonly Standing[]): Report => {
  const count = (test: (one: Standing) => boolean) => standings.filter(test).length
  const live = count(one => one.live)
  return {
    name: 'conformance',
    measures: {
      operations: standings.length,
      live,
      liveShare: Number((live / standings.length).toFixed(3)),
      recordedEnough: count(one => one.end === 'recorded'),
      withoutEnoughRecorded: count(one => one.end === 'skipped'),
      differs: count(one => one.end === 'differs'),
      failed: count(one => one.end === 'failed'),
      examplesCompared: standings.reduce((sum, one) => sum + one.examples, 0),
      errorsCompared: standings.reduce((sum, one) => sum + one.errors, 0),
      operationsWithError: count(one => one.errors > 0),
    },
    aims: {
      liveShare: { atLeast: 0.8 },
      differs: { atMost: 0 },
      failed: { atMost: 0 },
      withoutEnoughRecorded: { atMost: 0 },
    },
  }
}

const cell = (one: Standing): string =>
  ({
    pass: 'pass',
    differs: 'differs',
    failed: 'failed',
    recorded: `recorded (${one.recorded} cases)`,
    skipped: 'skipped',
  })[one.end]

/** Operation by operation, for people. */
export const standingTable = (standings: readonly Standing[]): string => {
  const width = Math.max(...standings.map(one => one.operation.length))
  const rows = standings.flatMap(one => [
    `${one.operation.padEnd(width)}  ${cell(one).padEnd(20)}  ${cell(one).padEnd(20)}  ${one.examples > 0 ? `${one.examples} examples, ${one.errors} of them errors` : ''}`.trimEnd(),
    ...one.why.map(why => `${' '.repeat(width)}    ${why}`),
  ])
  return [`${'operation'.padEnd(width)}  ${'zmq'.padEnd(20)}  ${'ssh'.padEnd(20)}`, ...rows].join('\n')
}

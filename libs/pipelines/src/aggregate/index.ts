export {
  aggregate,
  type AggregateReport,
  type AggregateState,
  type FieldState,
  type FieldSummary,
} from './aggregate.ts'
export type { Bucket } from './buckets.ts'
export { checkField } from './check-field.ts'
export {
  parseSummary,
  SummaryError,
  summaryFunction,
  summaryFunctions,
  type SummarySpec,
  type SummaryFunction,
} from './functions.ts'
export { groupBy, type GroupedReport, type GroupedState, type GroupReport } from './group-by.ts'
export type { Shown } from './parts.ts'
export type { Ranked } from './ranking.ts'
export { fold, reduce, type Aggregate, type Reducer } from './reducer.ts'
export { sketchError } from './sketch.ts'
export { fieldPath } from './values-at.ts'

export { makeCollector, type Collector, type Overflow } from './collector.ts'
export { fitted, jsonBytes } from './fit.ts'
export { makeOutputs, streamNames, type Outputs, type Part, type StreamName, type Streams } from './outputs.ts'
export type { Spool, SpoolOptions } from './spool.ts'

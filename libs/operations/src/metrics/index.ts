import type { AnyOperation } from '@re-ops/pipelines'
import { metricsCpu } from './cpu.ts'
import { metricsDisk, metricsNetwork } from './io.ts'
import { metricsEntropy, metricsLoad } from './load.ts'
import { metricsMemory } from './memory.ts'
import { metricsTop } from './top.ts'

export const metricsOperations: readonly AnyOperation[] = [
  metricsCpu,
  metricsDisk,
  metricsEntropy,
  metricsLoad,
  metricsMemory,
  metricsNetwork,
  metricsTop,
]
export * from './rates.ts'
export { metricsCpu, metricsDisk, metricsEntropy, metricsLoad, metricsMemory, metricsNetwork, metricsTop }

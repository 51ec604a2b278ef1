import type { AnyOperation } from '@re-ops/pipelines'
import {
  metricsCpu,
  metricsDisk,
  metricsEntropy,
  metricsLoad,
  metricsMemory,
  metricsNetwork,
  metricsTop,
} from './metrics.ts'

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

import type { AnyOperation } from '@re-ops/pipelines'
import { serviceDisable, serviceEnable, serviceReload, serviceRestart, serviceStart, serviceStop } from './change.ts'
import { serviceList } from './list.ts'
import { serviceLogs } from './logs.ts'
import { serviceStatus } from './status.ts'

export * from './change.ts'
export * from './list.ts'
export * from './logs.ts'
export * from './status.ts'

export const serviceOperations: readonly AnyOperation[] = [
  serviceDisable,
  serviceEnable,
  serviceList,
  serviceLogs,
  serviceReload,
  serviceRestart,
  serviceStart,
  serviceStatus,
  serviceStop,
]

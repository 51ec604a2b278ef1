import type { AnyOperation } from '@re-ops/pipelines'
import { packageInstall, packageRefresh, packageRemove, packageUpgrade } from './change.ts'
import { packageInstalled, packageList } from './list.ts'
import { packageUpdates } from './updates.ts'

export * from './change.ts'
export * from './list.ts'
export * from './updates.ts'

export const packageOperations: readonly AnyOperation[] = [
  packageInstall,
  packageInstalled,
  packageList,
  packageRefresh,
  packageRemove,
  packageUpdates,
  packageUpgrade,
]

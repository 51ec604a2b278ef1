import type { AnyOperation } from '@re-ops/pipelines'
import { resticBackup, resticInit } from './backup.ts'
import { resticCheck, resticSnapshots, resticStats } from './inspect.ts'
import { resticForget, resticRestore } from './restore.ts'

export const resticOperations: readonly AnyOperation[] = [
  resticBackup,
  resticCheck,
  resticForget,
  resticInit,
  resticRestore,
  resticSnapshots,
  resticStats,
]
export { resticBackup, resticCheck, resticForget, resticInit, resticRestore, resticSnapshots, resticStats }

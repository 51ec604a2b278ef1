import type { AnyOperation } from '@re-ops/pipelines'
import { dockerPull, dockerRun, dockerStop } from './change.ts'
import { dockerContainers, dockerImages, dockerLogs, dockerStats } from './docker.ts'

export const dockerOperations: readonly AnyOperation[] = [
  dockerContainers,
  dockerImages,
  dockerLogs,
  dockerPull,
  dockerRun,
  dockerStats,
  dockerStop,
]
export { dockerContainers, dockerImages, dockerLogs, dockerPull, dockerRun, dockerStats, dockerStop }

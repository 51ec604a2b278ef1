import type { AnyOperation } from '@re-ops/pipelines'
import { zfsDatasets, zfsSnapshot, zfsSnapshots } from './dataset.ts'
import { zfsPools, zfsScrub, zfsStatus } from './pool.ts'

export const zfsOperations: readonly AnyOperation[] = [
  zfsDatasets,
  zfsPools,
  zfsScrub,
  zfsSnapshot,
  zfsSnapshots,
  zfsStatus,
]
export { zfsDatasets, zfsPools, zfsScrub, zfsSnapshot, zfsSnapshots, zfsStatus }

import type { AnyOperation } from '@re-ops/pipelines'
import { disk } from '../disk.ts'
import { diskBlock } from './block.ts'
import { mountEnsure, mountRemove } from './mount.ts'
import { diskSmart } from './smart.ts'
import { diskSwap } from './swap.ts'
import { diskUsage } from './usage.ts'

export { diskBlock, diskSmart, diskSwap, diskUsage, mountEnsure, mountRemove }

export const diskOperations: readonly AnyOperation[] = [
  disk,
  diskBlock,
  diskSmart,
  diskSwap,
  diskUsage,
  mountEnsure,
  mountRemove,
]

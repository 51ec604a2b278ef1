import type { AnyOperation } from '@re-ops/pipelines'
import { processList } from '../process.ts'
import { processSignal } from './signal.ts'
import { processTree } from './tree.ts'

export { processSignal, processTree }

export const processOperations: readonly AnyOperation[] = [processList, processSignal, processTree]

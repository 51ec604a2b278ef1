import type { ShellPlan } from '@re-ops/operations'
import type { CallResult, ShellResult } from '@re-ops/protocols'
import type { Modules } from '../services/modules.ts'
import { makeParsers, type CallbackAsked, type Failed, type StoredModule } from './parsers.ts'

/** Operations of stored modules, by hash, for transports that only spawn commands. */
export type LiveOperations = {
  planOf(hash: string, operation: string, input: unknown): Promise<ShellPlan | Failed>
  parseOf(hash: string, operation: string, input: unknown, result: ShellResult): Promise<CallResult>
  /** What a callback of a pipeline says to a result so far. `at` is its place in the module. */
  codeOf(hash: string, at: string, so: CallbackAsked): Promise<CallResult>
  /** These were revoked: what runs of them ends. */
  drop(hashes: readonly string[]): void
  close(): void
}

export const makeLiveOperations = (load: Modules['load']): LiveOperations => {
  const parsers = makeParsers()
  const found = async (hash: string, operation: string): Promise<StoredModule | Failed> => {
    const row = (await load([hash])).get(hash)
    if (row && row.revoked_at === null) return row
    const why = row ? 'it is revoked' : 'there is no such module'
    const message = `module ${hash} is refused: ${why}`
    return { ok: false, failure: { kind: 'rejected', step: operation, message, started: 'no' } }
  }
  return {
    planOf: async (hash, operation, input) => {
      const module = await found(hash, operation)
      return 'ok' in module ? module : parsers.planOf(module, operation, input)
    },
    parseOf: async (hash, operation, input, result) => {
      const module = await found(hash, operation)
      return 'ok' in module ? module : parsers.parseOf(module, operation, input, result)
    },
    codeOf: async (hash, at, so) => {
      const module = await found(hash, at)
      return 'ok' in module ? module : parsers.codeOf(module, at, so)
    },
    drop: parsers.drop,
    close: parsers.close,
  }
}

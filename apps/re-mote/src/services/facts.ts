import { newId } from '@re-ops/protocols'
import type { AnyOperation } from '@re-ops/pipelines'
import type { Log, Pool } from '@re-ops/service'
import { commitFacts, type HostFacts } from '../store/facts.ts'
import { makeBatcher } from './batcher.ts'

export type FactsDeps = {
  readonly log: Log
  readonly pool: Pool
  operationNamed(name: string): AnyOperation | undefined
  onHostChanged(host: string): void
}
type Result = { readonly host: string; readonly operation: string; readonly input: unknown; readonly value: unknown }
export type Facts = {
  /** A result that is committed; it is a fact when its operation says so. */
  note(result: Result): void
  drained(): Promise<void>
}

/** Small batches, one at a time, on a connection of the ordinary pool: results do not wait behind facts and their indexes. */
const batchItemsMax = 200
const waitingMax = 50_000

/**
 * Keeps results that are facts with their hosts, for selectors. They follow the commit of the result; one that is lost in between (the service
 * dies), or that jsonb refuses, is read again at the next refresh.
 */
export const makeFacts = ({ log, pool, operationNamed, onHostChanged }: FactsDeps): Facts => {
  const batcher = makeBatcher<HostFacts>({
    name: 'facts',
    log,
    itemsMax: batchItemsMax,
    newBatchId: newId,
    flush: async batch => {
      const merged = mergedByHost(batch)
      await commitFacts(pool, merged)
      return () => merged.forEach(one => onHostChanged(one.host))
    },
    onRefused: ({ host }) => log.warn({ host }, 'facts of a host cannot be stored'),
  })
  return {
    note: ({ host, operation, input, value }) => {
      const facts = isWhole(input) ? factsOf(operationNamed(operation), value) : null
      if (facts && batcher.length < waitingMax) batcher.put({ host, facts })
    },
    drained: batcher.drained,
  }
}

/** A filter makes less of a fact than it is; as whom it was read does not. */
const isWhole = (input: unknown) => Object.keys(input ?? {}).every(key => key === 'become')

const factsOf = (operation: AnyOperation | undefined, value: unknown): HostFacts['facts'] | null => {
  if (operation?.fact === undefined) return null
  if (operation.name !== 'facts') return { [operation.fact]: value }
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as HostFacts['facts']) : null
}

/** One row of a host is updated once in a statement: later facts go over earlier ones. */
const mergedByHost = (batch: readonly HostFacts[]): HostFacts[] => {
  const byHost = new Map<string, HostFacts['facts']>()
  for (const { host, facts } of batch) byHost.set(host, { ...byHost.get(host), ...facts })
  return [...byHost].map(([host, facts]) => ({ host, facts }))
}

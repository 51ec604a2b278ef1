import { newId } from '@re-ops/protocols'
import { makeBatcher } from '../services/batcher.ts'
import { commitAcks, type Acked } from '../store/calls.ts'
import type { DriverDeps } from './deps.ts'
import { driverLimits } from './limits.ts'
import type { ActiveCall } from './types.ts'

export type Acks = { note(call: ActiveCall, running: boolean): void; close(): void }

/** Acknowledgements are not urgent: a call that ends within `ackDelayMs` never needs its row touched for them. */
export const makeAcks = ({ log, pool, events }: Pick<DriverDeps, 'log' | 'pool' | 'events'>): Acks => {
  let acked = new Map<string, ActiveCall>()
  let timer: NodeJS.Timeout | undefined
  const batcher = makeBatcher<Acked>({
    name: 'acknowledgements',
    log,
    itemsMax: driverLimits.batchItemsMax,
    newBatchId: newId,
    flush: async batch => {
      await commitAcks(pool, batch)
      return () => undefined
    },
    onRefused: () => undefined,
  })
  const flush = () => {
    timer = undefined
    for (const call of acked.values())
      if (call.state === 'acked' || call.state === 'running')
        batcher.put({ id: call.id, run: call.target.run.id, host: call.target.host, state: call.state })
    acked = new Map()
  }
  return {
    note: (call, running) => {
      if (call.state === 'ending') return
      const { graceMs, slotWaitMaxMs, ackDelayMs } = driverLimits
      call.state = running ? 'running' : 'acked'
      call.ackedAt ??= new Date().toISOString()
      call.deadline = performance.now() + call.timeoutMs + (running ? graceMs : slotWaitMaxMs)
      acked.set(call.id, call)
      if (running) events.began(call.target.run.id, call.target.host)
      timer ??= setTimeout(flush, ackDelayMs)
    },
    close: () => clearTimeout(timer),
  }
}

import type { FromAgent, Id } from '@re-ops/protocols'
import type { ResultBody, Ring } from './ring.ts'

export type Outgoing = {
  [K in FromAgent['kind']]: { readonly kind: K; readonly body: Extract<FromAgent, { kind: K }>['body'] }
}[FromAgent['kind']]

/**
 * What waits for the one writer of the session: control messages first, then results, which wait on disk and not here.
 * Between sessions it is empty: a new one begins with all unsettled results, and the broker asks about the rest.
 */
export type Outbox = {
  /** Begins a session; `onFull` ends it when its broker takes nothing any more. */
  open(onFull: () => void): void
  close(): void
  control(message: Outgoing): void
  /** `acked`: its acknowledgement has not been said, so the result says it. */
  result(id: Id, acked?: boolean): void
  next(): Outgoing | undefined
  changed(): Promise<void>
  wake(): void
}

const controlsMax = 10_000

/** What one link has to say. */
export const makeOutbox = (ring: Ring): Outbox => {
  let controls: Outgoing[] = []
  let results: Id[] = []
  const toAcknowledge = new Set<Id>()
  let isOpen = false
  let full: () => void = () => undefined
  let change = Promise.withResolvers<void>()
  const wake = (): void => {
    change.resolve()
    change = Promise.withResolvers<void>()
  }
  const nextResult = (): ResultBody | undefined => {
    for (let id = results.shift(); id !== undefined; id = results.shift()) {
      const result = ring.get(id) // settled meanwhile: skipped
      const acked = toAcknowledge.delete(id)
      if (result) return acked ? { ...result, acked: true } : result
    }
    return undefined
  }
  return {
    open: onFull => {
      full = onFull
      isOpen = true
      controls = []
      toAcknowledge.clear()
      results = [...ring.ids()]
      wake()
    },
    close: () => {
      isOpen = false
      wake()
    },
    control: message => {
      if (!isOpen) return
      if (controls.push(message) > controlsMax) full()
      wake()
    },
    result: (id, acked = false) => {
      if (!isOpen) return
      if (acked) toAcknowledge.add(id)
      results.push(id)
      wake()
    },
    next: () => {
      const control = controls.shift()
      if (control) return control
      const body = nextResult()
      return body && { kind: 'call.result', body }
    },
    changed: () => change.promise,
    wake,
  }
}

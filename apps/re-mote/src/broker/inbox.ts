import type { ServiceSays } from './port.ts'

/**
 * Takes what the service says, in its order, a part of it in each turn of the event loop: thousands of calls in one would keep everybody else
 * waiting who speaks to this broker. Little is taken at once.
 */
export const makeInbox = (
  handle: (item: ServiceSays) => void,
  callsPerTurnMax: number,
): ((batch: readonly ServiceSays[]) => void) => {
  const waiting: ServiceSays[] = []
  let isBusy = false
  const take = (item: ServiceSays, callsMax: number): number => {
    if (item.kind !== 'calls' || item.to.length <= callsMax) {
      handle(item)
      return item.kind === 'calls' ? item.to.length : 1
    }
    waiting.unshift({ ...item, to: item.to.slice(callsMax) })
    handle({ ...item, to: item.to.slice(0, callsMax) })
    return callsMax
  }
  const drain = async (): Promise<void> => {
    isBusy = true
    let taken = 0
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      taken += take(item, callsPerTurnMax - taken)
      if (taken < callsPerTurnMax) continue
      taken = 0
      await new Promise(setImmediate)
    }
    isBusy = false
  }
  return batch => {
    for (const item of batch) waiting.push(item)
    if (!isBusy) void drain()
  }
}

import { LinkError, type LinkReason } from './errors.ts'

/** One call, from when it is asked until nobody waits for it. */
export type Turn = {
  readonly serial: number
  readonly procedure: number
  send(): void
  /** Throws when the answer is not what the procedure gives. */
  answer(body: Buffer): void
  fail(error: Error): void
}
type Wait = { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined }
type Entry = { readonly turn: Turn; isWanted: boolean; readonly leave: () => void }

/** libvirtd reads no further, not even a keep-alive, once five calls of a connection are under way. */
const placesMax = 3
const waitingMax = 10_000

export type Turns = {
  /** Sends the call when a place is free. Fails it when its time is over, it is aborted, or too many wait. */
  add(turn: Turn, wait: Wait): void
  /** The call that this answer is for; its place is free. */
  take(serial: number): Turn | undefined
  /** Sends what waits, as far as there are places. */
  next(): void
  /** Fails every call: those that were sent may have been done. */
  endAll(reason: LinkReason, message: string): void
}

/** `onStuck` is called when every place is held by a call that was given up. */
export const makeTurns = (onStuck: () => void): Turns => {
  const waiting = new Map<number, Entry>()
  const placed = new Map<number, Entry>()
  const next = (): void => {
    for (const [serial, entry] of waiting) {
      if (placed.size >= placesMax) return
      waiting.delete(serial)
      placed.set(serial, entry)
      entry.turn.send()
    }
  }
  const giveUp = (entry: Entry, reason: LinkReason, message: string): void => {
    if (!entry.isWanted) return
    const { turn } = entry
    entry.isWanted = false
    entry.leave()
    turn.fail(new LinkError(reason, !waiting.delete(turn.serial), message))
    const isStuck = placed.size >= placesMax && [...placed.values()].every(one => !one.isWanted)
    if (isStuck) onStuck()
  }
  const wanted = (turn: Turn, { timeoutMs, signal }: Wait): Entry => {
    const onAbort = () => giveUp(entry, 'aborted', 'the call was aborted')
    const late = () => giveUp(entry, 'timeout', `no answer within ${timeoutMs} ms`)
    const timer = setTimeout(late, timeoutMs)
    const leave = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const entry: Entry = { turn, isWanted: true, leave }
    signal?.addEventListener('abort', onAbort)
    return entry
  }
  const settled = ({ turn, leave }: Entry): Turn => {
    leave()
    return {
      ...turn,
      answer: body => {
        try {
          turn.answer(body)
        } catch (error) {
          turn.fail(new LinkError('protocol', true, `procedure ${turn.procedure}: ${(error as Error).message}`))
        }
      },
    }
  }
  const abandoned = (turn: Turn): Turn => ({ ...turn, answer: () => undefined, fail: () => undefined })
  return {
    add: (turn, wait) => {
      if (wait.signal?.aborted === true) return turn.fail(new LinkError('aborted', false, 'the call was aborted'))
      if (waiting.size >= waitingMax)
        return turn.fail(new LinkError('full', false, `${waitingMax} calls wait for their turn already`))
      waiting.set(turn.serial, wanted(turn, wait))
      next()
    },
    take: serial => {
      const entry = placed.get(serial)
      if (entry === undefined) return undefined
      placed.delete(serial)
      return entry.isWanted ? settled(entry) : abandoned(entry.turn)
    },
    next,
    endAll: (reason, message) => {
      for (const [entries, sent] of [
        [waiting, false],
        [placed, true],
      ] as const)
        for (const entry of entries.values())
          if (entry.isWanted) {
            entry.isWanted = false
            entry.leave()
            entry.turn.fail(new LinkError(reason, sent, message))
          }
      waiting.clear()
      placed.clear()
    },
  }
}

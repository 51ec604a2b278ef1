import { SshRefused } from './refused.ts'

export type Turns = {
  /** Waits for a turn, in the order of asking; answers how to give it back. */
  take(signal: AbortSignal): Promise<() => void>
  readonly waiting: number
}

/** At most `max` holders at a time. More than `waitingMax` who wait are refused; an aborted signal leaves the line. */
export const makeTurns = (max: number, waitingMax: number, what: string): Turns => {
  let free = max
  const line = new Set<() => void>()
  const giveBack = () => {
    const [next] = line
    if (next === undefined) free += 1
    else {
      line.delete(next)
      next()
    }
  }
  const turn = () => {
    let given = false
    return () => {
      if (given) return
      given = true
      giveBack()
    }
  }
  return {
    take: async signal => {
      signal.throwIfAborted()
      if (free > 0) {
        free -= 1
        return turn()
      }
      if (line.size >= waitingMax) throw new SshRefused('limit', `more than ${waitingMax} wait for ${what}`)
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      line.add(resolve)
      const leave = () => line.delete(resolve) && reject(signal.reason)
      signal.addEventListener('abort', leave, { once: true })
      await promise.finally(() => signal.removeEventListener('abort', leave))
      return turn()
    },
    get waiting() {
      return line.size
    },
  }
}

/** What may happen to single messages between an agent's logic and its socket. */
export const faultNames = ['drop', 'delay', 'duplicate', 'reorder', 'replay', 'wrongToken'] as const
export type FaultName = (typeof faultNames)[number]

/**
 * How often each fault happens, as a share of messages (0 to 1), in either direction unless `direction` names one (as the
 * agent sees it). `drop`: it is gone. `delay`: it comes up to `delayMs` later. `duplicate`: it comes twice. `reorder`: the
 * next one overtakes it. `replay`: an old message, maybe of an older session, comes again. `wrongToken`: a copy with another
 * session's token goes out. A `slowReader` takes one message every so many milliseconds.
 */
export type Shares = Readonly<Partial<Record<FaultName, number>>> & {
  readonly direction?: 'in' | 'out'
  readonly delayMs?: number
  readonly slowReaderMs?: number
}

export const noFaults: Shares = {}

export const isActive = (shares: Shares): boolean =>
  (shares.slowReaderMs ?? 0) > 0 || faultNames.some(name => (shares[name] ?? 0) > 0)

/** Refuses what is not a fault, naming it. Throws with one line. */
export const checkShares = (shares: Shares): Shares => {
  for (const [key, value] of Object.entries(shares)) {
    const isShare = (faultNames as readonly string[]).includes(key)
    if (key === 'direction') {
      if (value !== 'in' && value !== 'out')
        throw new Error(`fault direction is ${JSON.stringify(value)}; allowed: in, out`)
    } else if (!isShare && key !== 'delayMs' && key !== 'slowReaderMs')
      throw new Error(`no fault ${key}; known: ${faultNames.join(', ')}, delayMs, slowReaderMs, direction`)
    else if (typeof value !== 'number' || !(value >= 0) || value > (isShare ? 1 : 600_000))
      throw new Error(`fault ${key} is ${JSON.stringify(value)}; allowed: a number, 0 to ${isShare ? 1 : 600_000}`)
  }
  return shares
}

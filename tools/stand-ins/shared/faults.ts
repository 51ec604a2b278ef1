/** What goes wrong. `A` is how the stand-in's own API says no. */
export type Mishap<A> =
  /** Answered so, and nothing done. */
  | { readonly answer: A }
  /** The connection breaks and nothing is done. */
  | 'drop-before'
  /** It is done and the connection breaks before the answer. */
  | 'drop-after'
  /** No answer ever comes and nothing is done. */
  | 'hang'
  /** The connection breaks; it is done so many ms later. */
  | { readonly lateApplyMs: number }

export type Fault<A> = {
  /** The name of the API's action, or `*` for all. */
  readonly action: string
  /** Which request of that action from now on, counted from 1; `all` = every one. */
  readonly nth: number | 'all'
  /** Over from this time on (ms since 1970). */
  readonly untilMs?: number
  readonly does: Mishap<A>
}

export type Faults<A> = {
  add(...faults: readonly Fault<A>[]): void
  clear(): void
  /** Counts one request of the action; answers what is to go wrong with it. Of several faults the first one added. */
  take(action: string, nowMs: number): Mishap<A> | null
  /** Every action asked for so far, in order, faulty or not. */
  asked(): readonly string[]
  /** Faults that have not struck yet (those of `all` never count as such). */
  left(): readonly Fault<A>[]
}

type Counted<A> = { readonly fault: Fault<A>; seen: number }

/** Switches for all that can go wrong between a provider's client and its cloud. */
export const makeFaults = <A>(): Faults<A> => {
  let all: Counted<A>[] = []
  const asked: string[] = []
  return {
    add: (...faults) => void all.push(...faults.map(fault => ({ fault, seen: 0 }))),
    clear: () => void (all = []),
    take: (action, nowMs) => {
      asked.push(action)
      const own = all.filter(({ fault }) => fault.action === '*' || fault.action === action)
      for (const one of own) one.seen += 1
      const struck = own.find(
        ({ fault, seen }) => (fault.nth === 'all' || fault.nth === seen) && nowMs < (fault.untilMs ?? Infinity),
      )
      return struck?.fault.does ?? null
    },
    asked: () => asked,
    left: () => all.filter(({ fault, seen }) => fault.nth !== 'all' && seen < fault.nth).map(({ fault }) => fault),
  }
}

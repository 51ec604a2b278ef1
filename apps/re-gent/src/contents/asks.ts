import type { FromBroker, Id } from '@re-ops/protocols'

/** What a question is about, and what ends it. */
export type About = { readonly call: Id; readonly hash: string; readonly signal: AbortSignal }
export type Answer = Extract<FromBroker, { kind: 'file.opened' | 'file.accepted' | 'file.taken' }>
type Of<K extends Answer['kind']> = Extract<Answer, { kind: K }>['body']
export type Waiter = {
  answer?(message: Answer): void
  refuse(why: Error): void
  /** Says the question again: in each new session, and after a while of silence. */
  again(): void
}
/** `sign`: something came, so the silence begins anew. */
export type Wait = { sign(): void; stop(): void }

/** Questions to the service about contents. They outlive sessions, brokers and the service. */
export type Asks = {
  /** Resolves with the first answer of that kind; throws when it is refused, or the signal aborts. */
  ask<K extends Answer['kind']>(about: About, kind: K, say: () => void): Promise<Of<K>>
  wait(about: About, waiter: Waiter): Wait
  answer(message: Answer): void
  refuse(refused: { readonly call: string; readonly hash: string; readonly reason: string }): void
  /** There is a new session, which knows nothing of what was asked. */
  renew(): void
  close(why: string): void
}

/** Longer than what is under way takes over a slow link: saying it again would send it twice. */
const silenceMs = 20_000

export const makeAsks = (): Asks => {
  const waiting = new Map<string, Set<Waiter>>()
  const keyOf = ({ call, hash }: { readonly call: string; readonly hash: string }) => `${call} ${hash}`
  const all = () => [...waiting.values()].flatMap(here => [...here])

  const wait = (about: About, waiter: Waiter): Wait => {
    const key = keyOf(about)
    const here = waiting.get(key) ?? new Set()
    waiting.set(key, here)
    here.add(waiter)
    const timer = setInterval(waiter.again, silenceMs)
    const aborted = () => waiter.refuse(new Error('the call was ended'))
    about.signal.addEventListener('abort', aborted, { once: true })
    if (about.signal.aborted) queueMicrotask(aborted)
    return {
      sign: () => timer.refresh(),
      stop: () => {
        clearInterval(timer)
        about.signal.removeEventListener('abort', aborted)
        here.delete(waiter)
        if (here.size === 0 && waiting.get(key) === here) waiting.delete(key)
      },
    }
  }
  return {
    wait,
    ask: (about, kind, say) => {
      const { promise, resolve, reject } = Promise.withResolvers<never>()
      const answer = (message: Answer) => message.kind === kind && resolve(message.body as never)
      const { stop } = wait(about, { answer, refuse: reject, again: say })
      say()
      return promise.finally(stop)
    },
    answer: message => {
      for (const one of waiting.get(keyOf(message.body)) ?? []) one.answer?.(message)
    },
    refuse: refused => {
      for (const one of waiting.get(keyOf(refused)) ?? []) one.refuse(new Error(refused.reason))
    },
    renew: () => all().forEach(one => one.again()),
    close: why => all().forEach(one => one.refuse(new Error(why))),
  }
}

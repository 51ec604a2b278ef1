import type { Connection } from './connection.ts'
import { eventKinds, eventOf, registrations, type EventKind, type LibvirtEvent } from './event-kinds.ts'
import { isLibvirtError } from './errors.ts'
import type { Link } from './link.ts'
import type { Procedure } from './procedures.ts'
import { decode, type Xdr } from './xdr.ts'

/** Events were missed, because the connection was lost or they were not read in time: look at what is. */
export type Gap = { readonly kind: 'gap'; readonly reason: 'reconnected' | 'slow-reader' }
export type Subscription<K extends EventKind> = AsyncIterable<LibvirtEvent<K> | Gap> & {
  /** Resolves when the events are asked for, rejects when they cannot be. What happens after it is not missed. */
  readonly ready: Promise<void>
}

/** Unread events of one subscriber; more are dropped and become a gap. */
const unreadMax = 1_000

type Subscriber = { readonly kinds: readonly EventKind[]; put(event: LibvirtEvent | Gap): void }

const names = Object.keys(eventKinds) as EventKind[]
const kindOf = new Map(names.map(name => [eventKinds[name].number, name] as const))

/** Events as they come. */
export const makeEvents = (connection: Connection) => {
  const subscribers = new Set<Subscriber>()
  let link: Link | null = null
  /** Of the link that is: kinds asked for, and the number each got. */
  let asked = new Map<EventKind, Promise<number>>()

  const ask = (link: Link, name: EventKind): Promise<number> => {
    const { on, event } = eventKinds[name]
    const known = asked.get(name)
    if (known !== undefined) return known
    // Each group's arguments differ in one name; the table keeps them together.
    const { on: procedure, any } = registrations[on] as { on: Procedure<object, { callback: number }>; any: object }
    const number = link.call(procedure, { event, ...any }).then(({ callback }) => callback)
    asked.set(name, number)
    number.catch(() => asked.get(name) === number && asked.delete(name))
    return number
  }
  const drop = (name: EventKind): void => {
    if ([...subscribers].some(one => one.kinds.includes(name))) return
    const known = asked.get(name)
    asked.delete(name)
    // A link that is lost has forgotten it by itself.
    void known
      ?.then(callback => link?.call(registrations[eventKinds[name].on].off, { callback }))
      .catch(() => undefined)
  }
  let isAgain = false
  connection.onLink(made => {
    link = made
    asked = new Map()
    const wanted = new Set([...subscribers].flatMap(one => one.kinds))
    // Asked for first; only then the subscribers are told to look.
    const all = Promise.allSettled([...wanted].map(name => ask(made, name)))
    if (isAgain) void all.then(() => subscribers.forEach(one => one.put({ kind: 'gap', reason: 'reconnected' })))
    isAgain = true
  })
  connection.onEvent((procedure, body) => {
    const name = kindOf.get(procedure)
    if (name === undefined) return
    const event = eventOf(name, decode(eventKinds[name].body as Xdr<object>, body))
    for (const one of subscribers) if (one.kinds.includes(name)) one.put(event)
  })
  const subscribe = <K extends EventKind>(kinds: readonly K[], signal?: AbortSignal): Subscription<K> => {
    const queue = makeQueue<LibvirtEvent<K> | Gap>(() => ({ kind: 'gap', reason: 'slow-reader' }))
    const subscriber: Subscriber = { kinds, put: event => queue.put(event as LibvirtEvent<K> | Gap) }
    subscribers.add(subscriber)
    const release = connection.hold()
    const end = () => {
      if (!subscribers.delete(subscriber)) return
      signal?.removeEventListener('abort', end)
      release()
      queue.end()
      for (const name of kinds) drop(name)
    }
    if (signal?.aborted === true) end()
    signal?.addEventListener('abort', end)
    const asking = async () => {
      const link = await connection.linked()
      if (subscribers.has(subscriber)) await Promise.all(kinds.map(name => ask(link, name)))
    }
    const ready = subscribers.has(subscriber) ? asking() : Promise.resolve()
    // Whoever does not wait for it learns it from the iteration; a connection that is not there comes again.
    ready.catch((error: unknown) => {
      if (isLibvirtError(error)) queue.fail(error)
    })
    return { ready, [Symbol.asyncIterator]: () => queue.iterator(end) }
  }
  return {
    /**
     * Events of those kinds, of all machines, networks or pools, until `signal` is aborted or the loop is left. After a
     * lost connection they are asked for again, and a gap is given.
     */
    subscribe,
  }
}
export type Events = ReturnType<typeof makeEvents>

const makeQueue = <T>(gap: () => T) => {
  let items: T[] = []
  let over: { readonly error?: Error } | null = null
  let wake: () => void = () => undefined
  const close = (how: { readonly error?: Error }) => {
    over ??= how
    wake()
  }
  const next = async (): Promise<IteratorResult<T, undefined>> => {
    while (items.length === 0 && over === null) await new Promise<void>(resolve => (wake = resolve))
    if (over?.error !== undefined) throw over.error
    const [item] = items.splice(0, 1)
    return item === undefined ? { value: undefined, done: true } : { value: item, done: false }
  }
  return {
    put: (item: T) => {
      if (over !== null) return
      if (items.length >= unreadMax) items = [gap()]
      items.push(item)
      wake()
    },
    end: () => close({}),
    fail: (error: Error) => close({ error }),
    iterator: (onLeave: () => void): AsyncIterator<T, undefined> => ({
      next,
      return: async () => {
        onLeave()
        return { value: undefined, done: true }
      },
    }),
  }
}

import { procedures } from './procedures.ts'
import { domain, maybeString, network, pool, string } from './types.ts'
import { wordOf } from './flags.ts'
import { int, mapped, size, struct, type ValueOf, type Xdr } from './xdr.ts'

const lifecycleWords = [
  'defined',
  'undefined',
  'started',
  'suspended',
  'resumed',
  'stopped',
  'shutdown',
  'pmsuspended',
  'crashed',
] as const
const poolWords = ['defined', 'undefined', 'started', 'stopped', 'created', 'deleted'] as const
const networkWords = ['defined', 'undefined', 'started', 'stopped'] as const

const callback = { callback: int }
/** Those from before 2013 are wrapped: a callback's number, then the message as it was. */
const wrapped = <T>(inner: Xdr<T>): Xdr<T & { callback: number }> =>
  mapped(
    struct({ callback: int, message: inner }),
    ({ callback, message }) => ({ callback, ...message }),
    ({ callback, ...message }) => ({ callback, message: message as T }),
  )

const dom = { dom: domain }
const lifecycle = wrapped(struct({ ...dom, event: int, detail: int }))

type Kind<T> = {
  /** How it is asked for, and the id it is asked by. */
  readonly on: 'domain' | 'network' | 'pool'
  readonly event: number
  /** The message's procedure. */
  readonly number: number
  readonly body: Xdr<T & { callback: number }>
}
const kind = <T>(on: Kind<T>['on'], event: number, number: number, body: Kind<T>['body']): Kind<T> => ({
  on,
  event,
  number,
  body,
})

/** Events by this client's names; numbers as in libvirt-domain.h and remote_protocol.x. */
export const eventKinds = {
  lifecycle: kind('domain', 0, 318, lifecycle),
  reboot: kind('domain', 1, 319, wrapped(struct(dom))),
  watchdog: kind('domain', 3, 321, wrapped(struct({ ...dom, action: int }))),
  ioError: kind('domain', 4, 322, wrapped(struct({ ...dom, path: string, device: string, action: int }))),
  diskChange: kind(
    'domain',
    9,
    327,
    wrapped(struct({ ...dom, oldPath: maybeString, newPath: maybeString, device: string, reason: int })),
  ),
  balloon: kind('domain', 13, 331, wrapped(struct({ ...dom, actualKiB: size }))),
  deviceRemoved: kind('domain', 15, 333, wrapped(struct({ ...dom, device: string }))),
  blockJob: kind('domain', 16, 339, struct({ ...callback, ...dom, disk: string, type: int, status: int })),
  agentLifecycle: kind('domain', 18, 348, struct({ ...callback, ...dom, state: int, reason: int })),
  deviceAdded: kind('domain', 19, 354, struct({ ...callback, ...dom, device: string })),
  metadataChange: kind('domain', 23, 379, struct({ ...callback, ...dom, type: int, uri: maybeString })),
  network: kind('network', 0, 315, struct({ ...callback, net: network, event: int, detail: int })),
  pool: kind('pool', 0, 370, struct({ ...callback, pool, event: int, detail: int })),
  poolRefresh: kind('pool', 1, 373, struct({ ...callback, pool })),
} as const
export type EventKind = keyof typeof eventKinds

const words = { lifecycle: lifecycleWords, network: networkWords, pool: poolWords } as const

type Body<K extends EventKind> = Omit<ValueOf<(typeof eventKinds)[K]['body']>, 'callback'>
type Worded<K> = K extends keyof typeof words ? { readonly what: (typeof words)[K][number] | 'unknown' } : unknown
/** What happened, and to what. `what` is the word for `event`, where there are words. */
export type LibvirtEvent<K extends EventKind = EventKind> = {
  [N in K]: { readonly kind: N } & Body<N> & Worded<N>
}[K]

/** How each group of events is asked for and no longer asked for. */
export const registrations = {
  domain: { on: procedures.domainEventOn, off: procedures.domainEventOff, any: { dom: null } },
  network: { on: procedures.networkEventOn, off: procedures.networkEventOff, any: { net: null } },
  pool: { on: procedures.poolEventOn, off: procedures.poolEventOff, any: { pool: null } },
} as const

/** The event as it is given to subscribers. */
export const eventOf = (name: EventKind, body: object): LibvirtEvent => {
  const { callback: _callback, ...rest } = body as Record<string, unknown>
  const known = (words as Partial<Record<EventKind, readonly string[]>>)[name]
  const what = known === undefined ? {} : { what: wordOf(known, rest['event'] as number) }
  return { kind: name, ...rest, ...what } as unknown as LibvirtEvent
}

import { fromAgent, fromBroker, wireLimits, type FromBroker, type Keyset } from '@re-ops/protocols'
import type { Calls } from './calls.ts'
import { nowMs } from './clock.ts'
import type { Dial, Wire } from './dial.ts'
import { makeDrops, type Drops } from './drops.ts'
import { makeHello, type HelloSpec } from './hello.ts'
import type { Journal } from './journal.ts'
import { errorText, type Log } from './log.ts'
import type { Outbox } from './outbox.ts'
import type { Schedules } from './schedules/schedules.ts'

export type SessionDeps = {
  readonly log: Log
  readonly journal: Journal
  readonly calls: Calls
  readonly outbox: Outbox
  readonly dial: Dial
  /** Told when a session begins and when it ends. */
  readonly onSession?: ((live: boolean) => void) | undefined
  /** What samples by itself; loaded when there is a schedule. */
  readonly schedules: () => Promise<Schedules>
  /** Judges the keyset of a welcome at the broker's clock; `false` refuses the session. */
  readonly onKeyset: (keyset: Keyset, at?: number) => boolean
}
export type SessionEnd = {
  readonly why: string
  /** How long the session lived; 0 when there was no welcome. */
  readonly livedMs: number
  /** The broker does not accept this identity any more. */
  readonly final: boolean
}
export type Target = { readonly endpoint: string } & HelloSpec

type Body<K extends FromBroker['kind']> = Extract<FromBroker, { kind: K }>['body']
/** One connection. `ended` resolves once, with the first reason; `over` says so to loops. */
type Session = {
  readonly socket: Wire
  readonly hello: ReturnType<typeof makeHello>
  readonly ended: Promise<{ why: string; final: boolean }>
  readonly over: AbortSignal
  readonly end: (why: string, final?: boolean) => void
  readonly timers: NodeJS.Timeout[]
  /** What overtook the welcome: it is of this session if it bears its token. */
  readonly early: FromBroker[]
  readonly drops: Drops
  token: string | undefined
  welcomedAt: number | null
  heardAt: number
  saidAt: number
  leaving: boolean
}

const welcomeTimeoutMs = 2 * wireLimits.helloTimeoutMs
const sendsPerTurn = 128
const leaveMs = 1_000
const earlyMax = 1_000

const open = ({ dial, log }: SessionDeps, target: Target): Session => {
  const ended = Promise.withResolvers<{ why: string; final: boolean }>()
  const over = new AbortController()
  const end = (why: string, final = false): void => {
    over.abort()
    ended.resolve({ why, final })
  }
  return {
    socket: dial(target.endpoint, target.serverKey, target.keys, end),
    hello: makeHello(target),
    ended: ended.promise,
    over: over.signal,
    end,
    timers: [],
    early: [],
    drops: makeDrops(log),
    token: undefined,
    welcomedAt: null,
    heardAt: nowMs(),
    saidAt: 0,
    leaving: false,
  }
}

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** The one writer of the socket. */
const write = async ({ outbox }: SessionDeps, session: Session): Promise<void> => {
  const { socket, token, over } = session
  for (let sent = 1; !over.aborted; sent += 1) {
    const changed = outbox.changed()
    const message = outbox.next(token)
    if (message) {
      session.saidAt = nowMs()
      await socket.send(message)
    } else if (session.leaving) {
      await socket.send(fromAgent.encode('goodbye', { reason: 'the agent stops' }, token))
      return session.end('stopped')
    } else {
      const isWhole = await changed // also when the outbox is closed, at the end of the session
      // What this turn of the loop still has to say goes along: an acknowledgement and its result in one packet.
      if (!isWhole) await nextTurn()
    }
    // zeromq.js lets 512 sends through per turn of the loop and answers EBUSY to the rest.
    if (sent % sendsPerTurn === 0) await nextTurn()
  }
}

/**
 * libzmq's own heartbeats would be answered by a broker whose event loop hangs; these are not. Whatever we said within
 * half an interval has told the broker that we live.
 */
const heartbeat = ({ outbox }: SessionDeps, session: Session, everyMs: number): NodeJS.Timeout =>
  setInterval(() => {
    const now = nowMs()
    const silentMs = now - session.heardAt
    if (silentMs > everyMs * wireLimits.heartbeatsMissedMax)
      session.end(`the broker is silent for ${Math.round(silentMs)} ms`)
    else if (now - session.saidAt >= everyMs / 2) outbox.control({ kind: 'heartbeat', body: {} })
  }, everyMs)

const prove = async ({ journal }: SessionDeps, session: Session, challenge: Body<'hello.challenge'>): Promise<void> => {
  await journal.synced() // the counter we sign must still hold after a power cut
  const proof = session.hello.prove(challenge, journal.counter())
  if (typeof proof === 'string') session.end(proof)
  else if (!session.over.aborted) await session.socket.send(proof)
}

const welcome = (deps: SessionDeps, session: Session, body: Body<'hello.welcome'>): void => {
  const { end, timers } = session
  if (!deps.onKeyset(body.keyset, body.at)) return end('the keyset in the welcome is not accepted')
  session.token = body.token
  session.welcomedAt = nowMs()
  deps.outbox.open(() => end('the broker takes no messages'))
  timers.push(heartbeat(deps, session, body.heartbeatMs))
  deps.onSession?.(true)
  deps.log.info('session', { epoch: body.epoch, unsettled: deps.journal.unsettled().length })
  void write(deps, session).catch((error: unknown) => end(`cannot send: ${errorText(error)}`))
  for (const message of session.early.splice(0)) if (message.token === body.token) receive(deps, session, message)
}

const handle = (deps: SessionDeps, session: Session, message: FromBroker): Promise<void> | undefined => {
  switch (message.kind) {
    case 'hello.refused':
    case 'session.end':
      session.end(`${message.kind}: ${message.body.reason}`, !message.body.retry)
      return
    case 'hello.challenge':
      return session.token === undefined ? prove(deps, session, message.body) : undefined
    case 'hello.welcome':
      if (session.token === undefined) welcome(deps, session, message.body)
      return
    case 'heartbeat':
      return
    case 'keyset': {
      const { keyset, at } = message.body
      if (session.token !== undefined && message.token === session.token) deps.onKeyset(keyset, at)
      return
    }
    case 'schedules.set':
    case 'samples.taken':
      if (session.token === undefined || message.token !== session.token) return
      return deps.schedules().then(schedules => schedules.handle(message))
    default:
      if (session.token !== undefined && (message.token ?? session.token) === session.token)
        return deps.calls.handle(message)
      if (session.token === undefined && message.token !== undefined && session.early.length < earlyMax)
        session.early.push(message)
      else session.drops.count(`${message.kind} outside the session`)
      return
  }
}

const read = async (deps: SessionDeps, session: Session): Promise<void> => {
  // Not `for await`, which costs a message two promises more.
  while (!session.over.aborted) {
    const frames = await session.socket.receive()
    if (session.over.aborted) return
    session.heardAt = nowMs()
    const [frame] = frames
    const message = frame && frames.length === 1 ? fromBroker.decode(frame) : null
    if (message === null || message.kind === 'malformed') {
      session.drops.count(message?.why ?? 'not one frame')
      continue
    }
    receive(deps, session, message)
  }
}

/** Not awaited: a call that waits for its sync must not hold the ones behind it, which share that sync. */
const receive = (deps: SessionDeps, session: Session, message: FromBroker): void => {
  const failed = (error: unknown) =>
    deps.log.error('a message cannot be handled', { kind: message.kind, why: errorText(error) })
  try {
    handle(deps, session, message)?.catch(failed)
  } catch (error) {
    failed(error)
  }
}

/** Ends in good order: running calls first, their results, then goodbye. */
const leave = async ({ calls, outbox }: SessionDeps, session: Session): Promise<void> => {
  if (session.token === undefined) return session.end('stopped')
  await calls.stop()
  session.leaving = true
  outbox.wake()
  session.timers.push(setTimeout(() => session.end('stopped'), leaveMs))
}

/**
 * One connection from its first byte to its end: hello, then messages both ways until the peer is gone, is silent for
 * `heartbeatsMissedMax` heartbeats, or `stop` aborts.
 */
export const runSession = async (deps: SessionDeps, target: Target, stop: AbortSignal): Promise<SessionEnd> => {
  const session = open(deps, target)
  const { socket, end, timers } = session
  const failed = (doing: string) => (error: unknown) => end(`cannot ${doing}: ${errorText(error)}`)
  const onStop = (): void => void leave(deps, session).catch(failed('stop'))
  if (stop.aborted) onStop()
  stop.addEventListener('abort', onStop)
  const noWelcome = () => session.token === undefined && end(`no welcome after ${welcomeTimeoutMs} ms`)
  timers.push(setTimeout(noWelcome, welcomeTimeoutMs))
  void read(deps, session).catch(failed('receive')) // also when the socket is closed, which is the end already
  void socket.send(session.hello.start()).catch(failed('send'))

  const { why, final } = await session.ended
  stop.removeEventListener('abort', onStop)
  for (const timer of timers) clearTimeout(timer)
  session.drops.close()
  deps.outbox.close()
  socket.close()
  if (session.welcomedAt !== null) deps.onSession?.(false)
  return { why, final, livedMs: session.welcomedAt === null ? 0 : nowMs() - session.welcomedAt }
}

import { constants, setPriority } from 'node:os'
import { makeBroker, type Broker } from './broker.ts'
import { makeInbox } from './inbox.ts'
import { brokerLimits } from './limits.ts'
import { makeOutbox } from './outbox.ts'
import type { BrokerSays, BrokerStart, ServiceSays } from './port.ts'

/** Heartbeats of thousands of agents must not wait behind key exchanges with SSH hosts on the same machine. Only who may is put first. */
const beforeOthers = (): void => {
  try {
    setPriority(constants.priority.PRIORITY_ABOVE_NORMAL)
  } catch {
    // not root: it goes as everybody does
  }
}

/**
 * The broker process. It lives as long as the IPC channel to its service: a broker that cannot reach its service must not send. Its secret
 * key comes through the channel, never through arguments or environment.
 */
beforeOthers()
const outbox = makeOutbox<BrokerSays>((batch, done) => void process.send?.(batch, undefined, {}, done), brokerLimits)
const allowed = Promise.withResolvers<void>()
const early: ServiceSays[] = []
let broker: Broker | undefined

const fail = (error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
const start = async (item: BrokerStart) => {
  broker = await makeBroker(item, outbox)
  for (const one of early.splice(0)) handle(one)
  await allowed.promise
  await broker.serve()
}
const handle = (item: ServiceSays) => {
  if (item.kind === 'start') start(item).catch(fail)
  else if (broker) {
    broker.handle(item)
    if (item.kind === 'allow' && item.full) allowed.resolve()
  } else early.push(item)
}

const inbox = makeInbox(handle, brokerLimits.callsPerTurnMax)
process.on('message', (batch: readonly ServiceSays[]) => inbox(batch))
process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches the whole process group; the service ends us by closing the channel when its last words are said.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)
if (!process.connected) fail(new Error('the broker is started by the re-mote service, not by hand'))

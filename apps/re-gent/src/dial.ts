import { randomBytes } from 'node:crypto'
import { wireLimits, type Frame } from '@re-ops/protocols'
import { Dealer } from 'zeromq'
import type { Keys } from './keys.ts'

const lingerMs = 300

/** What a session needs of a connection: one frame a message, both ways. */
export type Wire = {
  send(message: Frame): Promise<void>
  close(): void
  /** The next message, in frames; rejects when the connection is closed. */
  receive(): Promise<readonly Buffer[]>
}
/** Opens a connection; `onEnd` says once or more why it is over. */
export type Dial = (endpoint: string, serverKey: string, keys: Keys, onEnd: (why: string) => void) => Wire

/**
 * A new socket for one connection. It never reconnects by itself, and its routing id is fresh and random: an id that the
 * ROUTER would give next aborts the broker (wire.md 1), and one of an older connection would be refused.
 */
export const dial: Dial = (endpoint, serverKey, keys, onEnd) => {
  const socket = new Dealer({
    routingId: `a${randomBytes(16).toString('hex')}`,
    curveServerKey: serverKey,
    curvePublicKey: keys.curve.publicKey,
    curveSecretKey: keys.curve.secretKey,
    linger: lingerMs,
    reconnectInterval: -1,
    handshakeInterval: wireLimits.helloTimeoutMs,
    connectTimeout: wireLimits.helloTimeoutMs,
    maxMessageSize: wireLimits.messageBytesMax,
    sendHighWaterMark: 64,
    receiveHighWaterMark: 1_000,
    tcpKeepalive: 1,
  })
  const { events } = socket
  events.on('disconnect', () => onEnd('disconnected'))
  events.on('close', () => onEnd('not reachable'))
  events.on('handshake:error:auth', () => onEnd('our key was refused'))
  events.on('handshake:error:protocol', () =>
    onEnd('the CURVE handshake failed: not the server key we hold, or no broker'),
  )
  events.on('handshake:error:other', () => onEnd('the handshake failed'))
  socket.connect(endpoint)
  return socket
}

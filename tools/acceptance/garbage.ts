import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { curveKeyPair, Dealer } from 'zeromq'
import { deadlineMs } from './testing.ts'

/** The 64 bytes that open ZMTP 3: signature, version, mechanism. */
export const greeting = (mechanism: string): Buffer => {
  const bytes = Buffer.alloc(64)
  bytes[0] = 0xff
  bytes[9] = 0x7f
  bytes[10] = 3
  bytes.write(mechanism, 12, 'latin1')
  return bytes
}
const tlsHello = Buffer.from('16030100c8010000c40303', 'hex')

/** What a scanner, a wrong client or a broken one may send to a port. */
export const garbage: readonly Buffer[] = [
  Buffer.from([0]),
  Buffer.alloc(4096),
  randomBytes(65_536),
  Buffer.from('GET / HTTP/1.1\r\nhost: a\r\n\r\n'),
  Buffer.concat([tlsHello, randomBytes(200)]),
  ...[1, 9, 10, 11, 20, 63].map(bytes => greeting('CURVE').subarray(0, bytes)),
  greeting('NULL'),
  greeting('PLAIN'),
  greeting('X'.repeat(20)),
  Buffer.concat([greeting('CURVE'), randomBytes(2048)]),
  Buffer.concat([greeting('CURVE'), Buffer.from([4, 200]), Buffer.from('\u0005HELLO'), randomBytes(194)]),
  Buffer.concat([greeting('CURVE'), Buffer.from([6, 255, 255, 255, 255, 255, 255, 255, 255])]),
]

/** Sends the bytes, says no more, and answers what came back until the other side (or we, when it waits for more) closed. */
export const sendRaw = (port: number, bytes: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    let answer = ''
    const late = setTimeout(() => socket.destroy(), deadlineMs)
    socket.on('data', data => (answer += data.toString('latin1')))
    socket.on('error', error => {
      if (!/ECONNRESET|EPIPE/.test(String((error as NodeJS.ErrnoException).code))) reject(error)
    })
    socket.on('close', () => {
      clearTimeout(late)
      resolve(answer)
    })
  })

/** Read event by event: zeromq's emitter belongs to whichever test file of a jest worker used it first. */
const handshakeOf = async (socket: Dealer): Promise<string> => {
  const signal = AbortSignal.timeout(deadlineMs)
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the handshake had no end')))
  })
  for (;;) {
    const { type } = await Promise.race([socket.events.receive(), late])
    if (type === 'handshake') return 'let in'
    if (type.startsWith('handshake:error') || type === 'disconnect') return 'refused'
  }
}

/** A ZeroMQ client that may not come in: without CURVE, or with keys of its own. Answers what its handshake came to. */
export const knock = async (endpoint: string, serverKey: string | null): Promise<string> => {
  const keys = serverKey === null ? {} : { curveServerKey: serverKey, ...curveOwn() }
  const socket = new Dealer({ linger: 0, reconnectInterval: -1, ...keys })
  try {
    const ended = handshakeOf(socket)
    socket.connect(endpoint)
    return await ended
  } finally {
    socket.close()
  }
}

const curveOwn = () => {
  const { publicKey, secretKey } = curveKeyPair()
  return { curvePublicKey: publicKey, curveSecretKey: secretKey }
}

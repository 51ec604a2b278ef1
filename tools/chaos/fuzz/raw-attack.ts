import { connect, type Socket } from 'node:net'
import { wireLimits } from '@re-ops/protocols'
import { garbage, greeting } from '../../acceptance/garbage.ts'
import type { Random } from '../foundation/random.ts'
import { brokenRequests } from './http-attack.ts'
import { mutatedBytes } from './mutate.ts'
import { openPeer } from './peer.ts'
import type { Stage } from './stage.ts'

const lastWordsMs = 2_000

/** Sends the bytes, in two pieces, and leaves: at once, or when the other side has had its say. */
const throwAt = (port: number, bytes: Buffer, random: Random): Promise<void> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const late = setTimeout(() => socket.destroy(), lastWordsMs)
    const middle = random.between(0, bytes.length)
    socket.on('connect', () => {
      socket.write(bytes.subarray(0, middle))
      if (random.between(0, 3) === 0) socket.destroy()
      else socket.end(bytes.subarray(middle))
    })
    socket.on('error', () => undefined) // told by `close`
    socket.on('data', () => undefined)
    socket.on('close', () => {
      clearTimeout(late)
      resolve()
    })
  })

/** What is no ZMTP to the broker, and no HTTP to the services: both kinds to each of them. */
export const knockWithGarbage = async ({ cluster, broker }: Stage, random: Random): Promise<void> => {
  const ports = [broker.endpoint, cluster.moteUrl, cluster.coreUrl].map(url => Number(new URL(url).port))
  const all = [...garbage, ...brokenRequests(random)]
  const changed = all.map(bytes => mutatedBytes(bytes.subarray(0, 4_096), greeting('CURVE'), random))
  for (const bytes of [...all, ...changed]) await Promise.all(ports.map(port => throwAt(port, bytes, random)))
}

/**
 * A message larger than the limit, from an enrolled agent: libzmq ends its connection, and nobody else's. Answers how many of its other messages may
 * have been dropped.
 */
export const sendOversize = async ({ broker, identities }: Stage): Promise<number> => {
  const identity = identities.at(-1)
  if (!identity) return 0
  const peer = openPeer(broker, identity)
  const maybe = await peer.hello()
  await peer.send([Buffer.alloc(wireLimits.messageBytesMax + 1, 32)])
  await peer.ended
  peer.close()
  return maybe
}

const slowPerPort = 20
const dripMs = 1_000

/** Requests whose bodies come a byte a second, on many connections, for as long as it takes; one that is ended is begun again. */
export const holdSlowBodies = ({ cluster }: Stage): { stop(): void } => {
  const open = new Set<Socket>()
  let stopped = false
  const begin = (port: number) => {
    if (stopped) return
    const socket = connect(port, '127.0.0.1')
    open.add(socket)
    const drip = setInterval(() => socket.writable && socket.write(' '), dripMs)
    socket.write(
      'POST /v1/enrol HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n{',
    )
    socket.on('error', () => undefined) // told by `close`
    socket.on('data', () => undefined)
    socket.on('close', () => {
      clearInterval(drip)
      open.delete(socket)
      setTimeout(begin, dripMs, port).unref()
    })
  }
  for (const url of [cluster.moteUrl, cluster.coreUrl])
    for (let at = 0; at < slowPerPort; at += 1) begin(Number(new URL(url).port))
  return {
    stop: () => {
      stopped = true
      for (const socket of open) socket.destroy()
    },
  }
}

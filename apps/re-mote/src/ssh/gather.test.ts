import { expect, test } from '@jest/globals'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { gather } from './gather.ts'

const nextTurn = () => new Promise(resolve => setImmediate(resolve))

test('what is written in a turn leaves together, in order; what ends at once is whole', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  try {
    await once(server, 'listening')
    const coming = once(server, 'connection') as Promise<[Socket]>
    const socket = gather(connect((server.address() as AddressInfo).port, '127.0.0.1'))
    await once(socket, 'connect')
    const [other] = await coming
    const heard = text(other)
    const pieces: number[] = []
    const { _writev: writev } = socket
    socket._writev = (chunks, done) => {
      pieces.push(chunks.length)
      writev?.call(socket, chunks, done)
    }
    for (const turn of ['a', 'b']) {
      for (const n of [1, 2, 3]) socket.write(`${turn}${n} `)
      expect(socket.writableCorked).toBe(1)
      await nextTurn()
      expect(socket.writableCorked).toBe(0)
    }
    socket.write('c1 ')
    socket.write('c2 ')
    socket.end('c3')
    expect(await heard).toBe('a1 a2 a3 b1 b2 b3 c1 c2 c3')
    expect(Math.min(...pieces)).toBeGreaterThanOrEqual(3)
  } finally {
    server.close()
  }
})

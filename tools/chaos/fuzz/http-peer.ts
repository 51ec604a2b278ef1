import { connect, type Socket } from 'node:net'

export type HttpAnswer = {
  readonly status: number
  readonly headers: string
  readonly body: string
}
/** One connection after the other, on which whatever bytes are sent; not even the request line has to be one. */
export type HttpPeer = {
  /** `null`: closed, or silent, without an answer. */
  ask(bytes: Buffer): Promise<HttpAnswer | null>
  close(): void
}

const answerWithinMs = 30_000

/** The answer at the beginning of what was received, once it is whole. Streams count as soon as their headers are there. */
const answerIn = (received: string): HttpAnswer | null => {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return null
  const headers = received.slice(0, end).toLowerCase()
  const status = Number(/^http\/1\.[01] (\d{3})/.exec(headers)?.[1] ?? 0)
  const body = received.slice(end + 4)
  const length = /\r\ncontent-length: (\d+)/.exec(headers)?.[1]
  const isWhole =
    /\r\ncontent-type: text\/event-stream/.test(headers) ||
    status === 204 ||
    (length === undefined ? body.endsWith('0\r\n\r\n') : body.length >= Number(length))
  return isWhole ? { status, headers, body } : null
}

export const openHttpPeer = (port: number, localAddress: string): HttpPeer => {
  let socket: Socket | undefined
  const dial = () => {
    const made = connect({ port, host: '127.0.0.1', localAddress })
    made.setEncoding('latin1')
    made.on('error', () => undefined) // told by `close`
    return made
  }
  const ask = (bytes: Buffer) =>
    new Promise<HttpAnswer | null>(resolve => {
      const to = (socket ??= dial())
      let received = ''
      const done = (answer: HttpAnswer | null, keep: boolean) => {
        clearTimeout(late)
        to.removeAllListeners('data').removeAllListeners('close')
        if (!keep) {
          to.destroy()
          socket = undefined
        }
        resolve(answer)
      }
      const late = setTimeout(() => done(null, false), answerWithinMs)
      to.on('data', (chunk: string) => {
        received += chunk
        const answer = answerIn(received)
        if (!answer) return
        const isLast = /\r\nconnection: close|text\/event-stream/.test(answer.headers)
        done(answer, !isLast)
      })
      to.once('close', () => done(answerIn(`${received}0\r\n\r\n`), false))
      to.write(bytes)
    })
  return { ask, close: () => socket?.destroy() }
}

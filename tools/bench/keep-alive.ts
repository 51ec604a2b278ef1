import { connect } from 'node:net'
import type { Cluster } from '../supervisor/cluster.ts'

export type Connection = {
  /** JSON of a POST that must succeed. */
  post<A>(url: string, body: unknown): Promise<A>
  close(): void
}

/**
 * One connection that is kept, and HTTP as it is on the wire: what is measured is the service, and node:http would add a third of what the service
 * takes itself. One request at a time; answers have a content-length.
 */
export const keepAlive = async (base: string, { token }: Pick<Cluster, 'token'>): Promise<Connection> => {
  const { hostname, port, host } = new URL(base)
  const socket = connect(Number(port), hostname)
  socket.setNoDelay(true).setEncoding('utf8')
  let said = ''
  let waiting: PromiseWithResolvers<string> | undefined
  socket.on('data', (text: string) => {
    said += text
    const end = said.indexOf('\r\n\r\n')
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(said)?.[1] ?? Number.NaN)
    if (end < 0 || Buffer.byteLength(said) < Buffer.byteLength(said.slice(0, end)) + 4 + length) return
    const whole = said
    said = ''
    waiting?.resolve(whole)
  })
  socket.on('error', error => waiting?.reject(error))
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  return {
    post: async <A>(url: string, body: unknown): Promise<A> => {
      const { pathname, search } = new URL(url)
      const text = JSON.stringify(body)
      waiting = Promise.withResolvers<string>()
      socket.write(
        `POST ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      )
      const whole = await waiting.promise
      const answer = whole.slice(whole.indexOf('\r\n\r\n') + 4)
      const status = Number(whole.slice(9, 12))
      if (status >= 300) throw new Error(`POST ${url}: ${status} ${answer.slice(0, 300)}`)
      return JSON.parse(answer) as A
    },
    close: () => socket.destroy(),
  }
}

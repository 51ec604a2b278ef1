import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from './clock.ts'
import type { Mishap } from './faults.ts'

/** One request as a stand-in sees it. */
export type Asked = {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}
export type Reply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** No body at all when it is undefined. */
export const json = (status: number, body: unknown, headers: Reply['headers'] = {}): Reply => ({
  status,
  headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
  body: body === undefined ? '' : JSON.stringify(body),
})

export type Served<A> = {
  readonly clock: Clock
  /** What is to go wrong with this request, or null. Counts it. */
  readonly mishap: (asked: Asked) => Mishap<A> | null
  /** Does what is asked, and says what came of it. */
  readonly apply: (asked: Asked) => Reply | Promise<Reply>
  /** Does what is asked, at once and unheard: a request that landed late. */
  readonly applyLate: (asked: Asked) => void
  readonly refuse: (answer: A, asked: Asked) => Reply
}

const bodyBytesMax = 1024 * 1024
const readBody = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) throw new Error(`a body of more than ${bodyBytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const askedOf = async (request: IncomingMessage): Promise<Asked> => ({
  method: request.method ?? 'GET',
  path: request.url ?? '/',
  headers: Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  ),
  body: await readBody(request),
})

const write = (response: ServerResponse, { status, headers, body }: Reply): void => {
  if (response.destroyed) return
  response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) })
  response.end(body)
}

/** Answers one request with all that may go wrong on its way. */
const answer = async <A>(served: Served<A>, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const asked = await askedOf(request)
  const { clock } = served
  clock.settle()
  const mishap = served.mishap(asked)
  if (mishap === null) return write(response, await served.apply(asked))
  if (mishap === 'hang') return
  if (mishap === 'drop-before') return void request.socket.destroy()
  if (mishap === 'drop-after') {
    await served.apply(asked)
    return void request.socket.destroy()
  }
  if ('answer' in mishap) return write(response, served.refuse(mishap.answer, asked))
  clock.at(clock.now() + mishap.lateApplyMs, () => served.applyLate(asked))
  request.socket.destroy()
}

/** Serves a stand-in on a free port of loopback. `stop` cuts whoever still waits. */
export const serve = async <A>(served: Served<A>): Promise<{ url: string; stop(): Promise<void> }> => {
  // Idle connections stay: one that ends just as it is used again is a call that broke, on a busy machine and nowhere else.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    answer(served, request, response).catch((error: unknown) =>
      write(response, { status: 500, headers: {}, body: `the stand-in broke: ${(error as Error).message}` }),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const stop = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop }
}

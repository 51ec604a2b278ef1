import type { FastifyReply, FastifyRequest } from 'fastify'

export type EventStream = {
  /** False when the stream is closed, or was closed now because the reader is too slow. */
  send(event: string, data: unknown, id?: string): boolean
  /** Resolves when the reader has taken what was sent, or is gone; undefined while there is room for more. */
  room(): Promise<void> | undefined
  readonly closed: AbortSignal
  end(): void
}
/** Who waits for room before each event keeps no more than this waiting, and one event. */
const roomBytes = 256 * 1024
const bufferedBytesMax = 4 * 1024 * 1024
const keepAliveMs = 15_000
const open = new Set<EventStream>()

/** Ends every stream of the process, so that a service can stop. */
export const endEventStreams = (streams: Iterable<EventStream>): void => {
  for (const stream of streams) stream.end()
}
export { open as openStreams }

/**
 * Answers with server-sent events. A comment every 15 s keeps proxies from closing the stream; a reader that lets more than 4 MiB wait is cut
 * off, and comes back with `Last-Event-ID`.
 */
export const openEvents = (request: FastifyRequest, reply: FastifyReply): EventStream => {
  reply.hijack()
  const raw = reply.raw
  const closed = new AbortController()
  const headers = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined) as [string, string][]
  raw.writeHead(200, {
    ...Object.fromEntries(headers),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  raw.flushHeaders()
  const write = (text: string): boolean => {
    if (closed.signal.aborted || raw.writableEnded) return false
    raw.write(text)
    if (raw.writableLength <= bufferedBytesMax) return true
    request.log.warn({ bufferedBytes: raw.writableLength }, 'an event stream is read too slowly; closing it')
    raw.destroy()
    return false
  }
  const keepAlive = setInterval(() => write(': keep-alive\n\n'), keepAliveMs)
  keepAlive.unref()
  const stream: EventStream = {
    send: (event, data, id) =>
      write(
        `${id === undefined ? '' : `id: ${id.replace(/[\r\n]/g, '')}\n`}event: ${event}\ndata: ${JSON.stringify(data ?? null)}\n\n`,
      ),
    room: () => {
      if (closed.signal.aborted || raw.writableLength <= roomBytes) return undefined
      return new Promise(resolve => {
        const go = () => {
          raw.off('drain', go)
          raw.off('close', go)
          resolve()
        }
        raw.once('drain', go)
        raw.once('close', go)
      })
    },
    closed: closed.signal,
    end: () => raw.end(),
  }
  open.add(stream)
  raw.once('close', () => {
    clearInterval(keepAlive)
    open.delete(stream)
    closed.abort()
  })
  raw.on('error', error => request.log.debug({ err: error }, 'an event stream broke'))
  return stream
}

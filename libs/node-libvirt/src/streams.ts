import { Duplex } from 'node:stream'
import type { Connection } from './connection.ts'
import { LinkError } from './errors.ts'
import type { CallOptions } from './link.ts'
import type { StreamEnd, StreamHandle } from './link-streams.ts'
import type { Procedure } from './procedures.ts'

/** libvirt's own limit for a stream's message; larger ones are cut. */
const pieceBytesMax = 262_120

export type Direction = 'read' | 'write' | 'both'

/**
 * Opens a stream on a connection of its own, so that a slow reader holds up nobody else, and it is held up itself by
 * the socket. Rejects when libvirt refuses; later errors destroy the stream. Destroying it ends the connection.
 */
export const openStream = async <A, R>(
  connection: Connection,
  procedure: Procedure<A, R>,
  args: A,
  direction: Direction,
  options?: CallOptions,
): Promise<Duplex> => {
  const link = await connection.own()
  const { promise: finished, resolve: onFinished, reject: onFailed } = Promise.withResolvers<void>()
  finished.catch(() => undefined) // told by the stream
  let handle: StreamHandle | null = null
  const fail = (error: Error) => {
    onFailed(error)
    duplex.destroy(error)
  }
  const duplex = makeDuplex({
    direction,
    handle: () => handle,
    finished,
    close: () => link.end('closed', 'the stream ended'),
  })
  const onData = (bytes: Buffer): void => {
    if (bytes.length > 0) {
      if (!duplex.push(bytes)) handle?.pause()
    } else if (direction === 'read') {
      // Its confirmation tells whether all that was to be read came.
      handle?.finish()
      void finished.then(
        () => duplex.push(null),
        () => undefined,
      )
    } else duplex.push(null)
  }
  const endOf = (given: StreamHandle): StreamEnd => {
    handle = given
    return { onData, onFinished, onError: fail }
  }
  try {
    await link.stream(procedure, args, endOf, options)
  } catch (error) {
    link.end('closed', 'the stream could not be opened')
    throw error
  }
  void finished.then(
    () => link.end('closed', 'the stream ended'),
    () => undefined,
  )
  return duplex
}

type Parts = {
  readonly direction: Direction
  readonly handle: () => StreamHandle | null
  readonly finished: Promise<void>
  readonly close: () => void
}

const makeDuplex = ({ direction, handle, finished, close }: Parts): Duplex => {
  const duplex = new Duplex({
    allowHalfOpen: direction === 'write',
    read: () => handle()?.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      const open = handle()
      const last = Math.max(0, Math.ceil(chunk.length / pieceBytesMax) - 1)
      if (open === null) return done(new LinkError('closed', false, 'the stream is not open'))
      for (let n = 0; n <= last; n += 1)
        open.send(chunk.subarray(n * pieceBytesMax, (n + 1) * pieceBytesMax), n === last ? done : () => undefined)
    },
    final: done => {
      if (direction !== 'read') handle()?.finish()
      // Only its confirmation says that all of it was written.
      void settled(finished).then(error => process.nextTick(done, error))
    },
    destroy: (error, done) => {
      handle()?.abort()
      close()
      done(error)
    },
  })
  // The half that this stream does not have is over from the start.
  if (direction === 'write') duplex.resume().push(null)
  if (direction === 'read') duplex.end()
  return duplex
}

const settled = (promise: Promise<void>): Promise<Error | null> =>
  promise.then(
    () => null,
    (error: unknown) => error as Error,
  )

import type { Duplex } from 'node:stream'
import { LibvirtError, LinkError } from './errors.ts'
import { messageTypes, statuses, type Message } from './frame.ts'
import { remoteProgram } from './procedures.ts'
import { remoteError } from './types.ts'
import { decode } from './xdr.ts'

/** What a stream's messages are given to; called in order. */
export type StreamEnd = {
  /** No bytes: there are no more. */
  onData(bytes: Buffer): void
  /** The other side has confirmed the end. */
  onFinished(): void
  onError(error: Error): void
}
export type StreamHandle = {
  /** `onSent` is called when the socket has taken it, or cannot. */
  send(bytes: Buffer, onSent: (error?: Error | null) => void): void
  finish(): void
  abort(): void
  /** Stops and resumes reading of the whole link. */
  pause(): void
  resume(): void
}
type Send = (message: Message, onSent?: (error?: Error | null) => void) => void

/** The error that a message's body tells. */
export const errorOf = (body: Buffer): Error => {
  try {
    const { code, domain, message } = decode(remoteError, body)
    return new LibvirtError(code, domain, message ?? `libvirt error ${code} without a message`)
  } catch (error) {
    return new LinkError('protocol', true, `an error that cannot be read: ${(error as Error).message}`)
  }
}

/** Streams of one link, each under the serial of the call that opened it. */
export const makeStreams = (send: Send, duplex: Duplex) => {
  const streams = new Map<number, StreamEnd>()
  const handleOf = (procedure: number, serial: number): StreamHandle => {
    const say = (status: number, body: Buffer, onSent?: (error?: Error | null) => void) =>
      send({ ...remoteProgram, procedure, type: messageTypes.stream, serial, status, body }, onSent)
    const none = Buffer.alloc(0)
    return {
      send: (bytes, onSent) => say(statuses.continue, bytes, onSent),
      finish: () => say(statuses.ok, none),
      abort: () => {
        if (streams.delete(serial)) say(statuses.error, none)
      },
      pause: () => void duplex.pause(),
      resume: () => void duplex.resume(),
    }
  }
  return {
    open: (procedure: number, serial: number, endOf: (handle: StreamHandle) => StreamEnd) =>
      void streams.set(serial, endOf(handleOf(procedure, serial))),
    forget: (serial: number) => void streams.delete(serial),
    /** False: there is no such stream. */
    take: ({ serial, status, body }: Message): boolean => {
      const stream = streams.get(serial)
      if (stream === undefined) return false
      if (status === statuses.continue) stream.onData(body)
      else {
        streams.delete(serial)
        if (status === statuses.error) stream.onError(errorOf(body))
        else stream.onFinished()
      }
      return true
    },
    endAll: (error: Error) => {
      for (const stream of streams.values()) stream.onError(error)
      streams.clear()
    },
  }
}

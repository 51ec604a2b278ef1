/** One message of libvirt's RPC: what its header says, and its body. */
export type Message = {
  readonly program: number
  readonly version: number
  readonly procedure: number
  readonly type: number
  readonly serial: number
  readonly status: number
  readonly body: Buffer
}

export const messageTypes = { call: 0, reply: 1, event: 2, stream: 3 } as const
export const statuses = { ok: 0, error: 1, continue: 2 } as const

/** Seven words: the length (itself included), program, version, procedure, type, serial, status. */
const headerBytes = 28
/** libvirt's own limit of one message: 32 MiB and the length word. */
export const messageBytesMax = 33_554_432 + 4

/** The bytes on the link are no messages; nothing after them can be trusted. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
}

/** Throws FrameError for a body that no message can carry. */
export const encodeMessage = ({ program, version, procedure, type, serial, status, body }: Message): Buffer => {
  const length = headerBytes + body.length
  if (length > messageBytesMax) throw new FrameError(`a message of ${length} bytes; allowed are ${messageBytesMax}`)
  const header = Buffer.allocUnsafe(headerBytes)
  for (const [n, word] of [length, program, version, procedure, type, serial, status].entries())
    header.writeUInt32BE(word >>> 0, n * 4)
  return Buffer.concat([header, body])
}

const messageOf = (bytes: Buffer): Message => ({
  program: bytes.readUInt32BE(4),
  version: bytes.readUInt32BE(8),
  procedure: bytes.readInt32BE(12),
  type: bytes.readUInt32BE(16),
  serial: bytes.readUInt32BE(20),
  status: bytes.readUInt32BE(24),
  body: bytes.subarray(headerBytes),
})

/**
 * Cuts a byte stream into messages, however it is chunked. Holds at most the message under way; throws FrameError for
 * a length that no message has, before anything is kept for it.
 */
export const makeSplitter = (): ((chunk: Buffer) => Message[]) => {
  let parts: Buffer[] = []
  let held = 0
  /** Bytes of the message under way; unknown until its first word is there. */
  let wanted: number | null = null
  const joined = (): Buffer => {
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    parts = [bytes]
    return bytes
  }
  const lengthOf = (bytes: Buffer): number => {
    const length = bytes.readUInt32BE(0)
    if (length < headerBytes || length > messageBytesMax)
      throw new FrameError(`a message of ${length} bytes; allowed are ${headerBytes} to ${messageBytesMax}`)
    return length
  }
  return chunk => {
    parts.push(chunk)
    held += chunk.length
    const messages: Message[] = []
    while (held >= (wanted ?? 4)) {
      const bytes = joined()
      wanted ??= lengthOf(bytes)
      if (held < wanted) break
      messages.push(messageOf(bytes.subarray(0, wanted)))
      parts = [bytes.subarray(wanted)]
      held -= wanted
      wanted = null
    }
    return messages
  }
}

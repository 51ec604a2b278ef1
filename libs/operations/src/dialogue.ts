import type { Readable, Writable } from 'node:stream'

/**
 * What a script with contents and its transport say to each other, over its standard streams. The script says, a line each:
 *
 *     want <hash> <from> <hash of what comes before, or ->    answer: from <byte>, then all bytes from there; or no <why>
 *     have <hash> <size>                                      answer: skip; or from <byte>, then the script sends all bytes from
 *                                                             there and hears ok; or no <why>
 *
 * Every other line is its output. One at a time, so that neither ever waits for the other's pipe.
 */

/** Where contents come from and go to, for one call. What these throw is told to the script as `no <message>`. */
export type Contents = {
  /** The bytes from `from` on, or from the beginning when `prefix` is not the hash of what comes before. */
  open(hash: string, from: number, prefix?: string): Promise<Opened>
  /** Takes a content; null when it is there already. */
  offer(hash: string, size: number): Promise<Taker | null>
}
export type Opened = { readonly from: number; readonly size: number; readonly bytes: AsyncIterable<Uint8Array> }
export type Taker = {
  readonly from: number
  /** Resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>
  /** Resolves when the whole is stored; throws when it is not what its hash says. */
  end(): Promise<void>
}
export type Streams = {
  readonly stdin: Writable
  readonly stdout: Readable
  /** Resolves when nobody reads or writes any more, where the streams do not tell. */
  readonly gone?: Promise<unknown>
}

const lineBytesMax = 65_536
const wantOrHave = /^(want|have) ([0-9a-f]{64}) (\d{1,12})(?: ([0-9a-f]{64}|-))?$/

/** A stream that is read by lines and by bytes in turns. */
const makeReader = (stream: Readable) => {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let held: Buffer = Buffer.alloc(0)
  const more = async (): Promise<boolean> => {
    const { done, value } = await chunks.next()
    if (done === true) return false
    held = held.length === 0 ? value : Buffer.concat([held, value])
    return true
  }
  return {
    /** Without its line break; the rest at the end of the stream, then null. */
    line: async (): Promise<string | null> => {
      let end = held.indexOf(10)
      while (end < 0 && held.length < lineBytesMax && (await more())) end = held.indexOf(10)
      if (end < 0 && held.length === 0) return null
      const length = end < 0 ? held.length : end
      const line = held.toString('utf8', 0, length)
      held = held.subarray(Math.min(held.length, length + 1))
      return line
    },
    /** At most so many bytes, at least one; null at the end of the stream. */
    bytes: async (max: number): Promise<Buffer | null> => {
      if (held.length === 0 && !(await more())) return null
      const bytes = held.subarray(0, max)
      held = held.subarray(bytes.length)
      return bytes
    },
  }
}
type Reader = ReturnType<typeof makeReader>

/** Resolves when there is room again, or when nobody reads any more. */
const room = ({ stdin, gone }: Streams): Promise<void> =>
  new Promise(resolve => {
    const events = ['drain', 'close', 'error'] as const
    const end = () => {
      for (const event of events) stdin.off(event, end)
      resolve()
    }
    for (const event of events) stdin.on(event, end)
    void gone?.then(end)
  })
const isOpen = (stdin: Writable): boolean => !stdin.destroyed && !stdin.closed && stdin.errored === null

const give = async (streams: Streams, { from, bytes }: Opened): Promise<void> => {
  const { stdin } = streams
  let isGone = false
  void streams.gone?.then(() => (isGone = true))
  stdin.write(`from ${from}\n`)
  for await (const chunk of bytes) {
    if (isGone || !isOpen(stdin)) return // it has ended: its code says why
    if (!stdin.write(chunk)) await room(streams)
  }
}

const take = async (reader: Reader, stdin: Writable, taker: Taker, size: number): Promise<void> => {
  stdin.write(`from ${taker.from}\n`)
  for (let left = size - taker.from; left > 0;) {
    const bytes = await reader.bytes(left)
    if (bytes === null) throw new Error('the command ended before it had sent all of the content')
    left -= bytes.length
    await taker.write(bytes)
  }
  await taker.end()
  stdin.write('ok\n')
}

const reason = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, 300)

/**
 * The transport's part, until the command has said all. Gives its other output to `put`. Answers what went wrong that the command could not be
 * told, or null. Never throws.
 */
export const converse = async (
  streams: Streams,
  contents: Contents,
  put: (output: Uint8Array) => unknown,
): Promise<string | null> => {
  const { stdin, stdout } = streams
  const reader = makeReader(stdout)
  let fault: string | null = null
  /** From then on the script and we do not agree where a content ends: it is cut off, and all it still says is output. */
  const cutOff = (error: unknown): void => {
    fault ??= reason(error)
    stdin.end()
  }
  const answer = async (word: string, hash: string, number: number, prefix?: string): Promise<void> => {
    const asked = word === 'want' ? contents.open(hash, number, prefix) : contents.offer(hash, number)
    const found = await asked.catch((error: unknown) => void stdin.write(`no ${reason(error)}\n`))
    if (found === undefined) return
    if (found === null) return void stdin.write('skip\n')
    await ('bytes' in found ? give(streams, found) : take(reader, stdin, found, number)).catch(cutOff)
  }
  try {
    for (let line = await reader.line(); line !== null; line = await reader.line()) {
      const [, word, hash = '', number, prefix] = wantOrHave.exec(line) ?? []
      if (word === undefined || fault !== null) put(Buffer.from(`${line}\n`))
      else await answer(word, hash, Number(number), prefix === '-' ? undefined : prefix)
    }
  } catch (error) {
    cutOff(error)
  }
  return fault
}

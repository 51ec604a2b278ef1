import { makePaint, type Paint } from './render/paint.ts'

/** Where a command reads and writes; built once, in `main.ts`. */
export type Terminal = {
  readonly out: (text: string) => void
  /** Bytes as they are; resolves when they may be followed by more. */
  readonly write: (bytes: Uint8Array) => Promise<void>
  readonly error: (line: string) => void
  /** One line that is replaced by the next; only on a terminal. '' takes it away. */
  readonly progress: (line: string) => void
  /** Width to fit tables into; null when nobody looks. */
  readonly columns: number | null
  readonly paint: Paint
  /** Bytes as they are typed, a terminal's unchanged and unechoed, until what it gives back is called. */
  readonly keys: (onBytes: (bytes: Uint8Array) => void) => () => void
  /** Whether a person can be asked. */
  readonly canAsk: boolean
  readonly ask: (question: string) => Promise<boolean>
}

type Streams = { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream }

export const makeTerminal = (streams: Streams, environment: NodeJS.ProcessEnv): Terminal => {
  const { stdin, stdout, stderr } = streams
  const colours = stdout.isTTY && !environment.NO_COLOR && environment.TERM !== 'dumb'
  let shown = ''
  const clear = () => {
    if (shown !== '') stderr.write('\r\u001B[K')
    shown = ''
  }
  return {
    out: text => {
      clear()
      stdout.write(text.endsWith('\n') || text === '' ? text : `${text}\n`)
    },
    write: bytes =>
      new Promise((resolve, reject) => {
        clear()
        stdout.write(bytes, error => (error ? reject(error) : resolve()))
      }),
    error: line => {
      clear()
      stderr.write(`${line}\n`)
    },
    progress: line => {
      if (!stderr.isTTY || line === shown) return
      clear()
      shown = line.slice(0, Math.max(20, (stderr.columns || 80) - 1))
      stderr.write(shown)
    },
    columns: stdout.isTTY ? stdout.columns || 80 : null,
    paint: makePaint(colours),
    keys: onBytes => {
      clear()
      if (stdin.isTTY) stdin.setRawMode(true)
      stdin.on('data', onBytes).resume()
      return () => {
        stdin.off('data', onBytes).pause()
        if (stdin.isTTY) stdin.setRawMode(false)
        stdin.unref()
      }
    },
    canAsk: stdin.isTTY && stderr.isTTY,
    ask: async question => {
      clear()
      const { createInterface } = await import('node:readline/promises')
      const reader = createInterface({ input: stdin, output: stderr })
      try {
        return /^y(es)?$/i.test((await reader.question(`${question} [y/N] `)).trim())
      } finally {
        reader.close()
      }
    },
  }
}

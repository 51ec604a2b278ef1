import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'

export type Shown = { readonly code: number; readonly output: string }
/** A shell in which one command is typed after the other: its folder and its variables stay. */
export type Terminal = {
  type(text: string, limitMs: number): Promise<Shown>
  /** Everything shown so far. */
  shown(): string
  /** Ctrl-C, for the shell and all it runs. Resolves with the exit code when it has ended. */
  interrupt(): Promise<number | null>
  close(): Promise<void>
}

const shownMax = 256 * 1024

export const openTerminal = (cwd: string, environment: Readonly<Record<string, string>>): Terminal => {
  const shell = spawn('bash', ['--noprofile', '--norc'], {
    cwd,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // a process group of its own, as a terminal makes one
  })
  let shown = ''
  let onShown: () => void = () => undefined
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      shown = (shown + text).slice(-shownMax)
      onShown()
    })
  const ended = new Promise<number | null>(resolve => shell.once('close', resolve))
  const signal = (name: NodeJS.Signals) => {
    try {
      if (shell.pid !== undefined) process.kill(-shell.pid, name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  return {
    type: (text, limitMs) =>
      new Promise((resolve, reject) => {
        const mark = randomUUID()
        const from = shown.length
        const late = setTimeout(() => reject(new Error(`not done in ${limitMs} ms: ${text}\n${shown}`)), limitMs)
        late.unref() // what stays until Ctrl-C must not hold us
        onShown = () => {
          const found = new RegExp(`${mark} (\\d+)\n`).exec(shown)
          if (!found) return
          clearTimeout(late)
          resolve({ code: Number(found[1]), output: shown.slice(Math.min(from, found.index), found.index) })
        }
        shell.stdin.write(`${text}\necho ${mark} $?\n`)
      }),
    shown: () => shown,
    interrupt: () => {
      signal('SIGINT')
      shell.stdin.end()
      return ended
    },
    close: async () => {
      signal('SIGKILL')
      await ended
    },
  }
}

import { spawn } from 'node:child_process'

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string }
export type CommandOptions = {
  readonly cwd?: string
  /** Added to this process's own environment. */
  readonly environment?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** Output kept of each stream; the end matters when something failed. */
const outputMax = 4 * 2 ** 20

/** Runs a program without a shell and waits for its end. 127 = not there, 124 = out of time. */
export const run = async (argv: readonly string[], options: CommandOptions = {}): Promise<Ran> => {
  const [program = '', ...args] = argv
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const kept = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      kept[name] = (kept[name] + text).slice(-outputMax)
    })
  const timeoutMs = options.timeoutMs ?? 600_000
  return new Promise(resolve => {
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, timeoutMs)
    child.on('error', error => {
      clearTimeout(timer)
      resolve({ code: 127, stdout: '', stderr: error.message })
    })
    child.on('close', code => {
      clearTimeout(timer)
      const stderr = late ? `${kept.stderr}\nout of time after ${timeoutMs} ms` : kept.stderr
      resolve({ code: late ? 124 : (code ?? 128), stdout: kept.stdout, stderr })
    })
  })
}

/** The same; anything but exit code 0 throws with the last lines of what it said. */
export const must = async (argv: readonly string[], options: CommandOptions = {}): Promise<string> => {
  const { code, stdout, stderr } = await run(argv, options)
  if (code === 0) return stdout
  const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-30).join('\n')
  throw new Error(`${argv.slice(0, 6).join(' ')} ended with ${code}:\n${said}`)
}

import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

const program = join(import.meta.dirname, 'main.ts')
const anyPorts = { REMOTE_PORT: '0', RECORE_PORT: '0', REMOTE_BROKER_PORT: '0' }

export type Supervisor = {
  readonly process: ChildProcess
  /** Both streams so far. */
  said(): string
  readonly ended: Promise<number | NodeJS.Signals>
}

/** `npm start` as a process of its own, on free ports. */
export const startSupervisor = (state: string, ...args: readonly string[]): Supervisor => {
  const child = spawn(process.execPath, [program, '--state', state, ...args], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      ...anyPorts,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-256 * 1024)
    })
  const ended = new Promise<number | NodeJS.Signals>(resolve => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'))
  })
  return { process: child, said: () => said, ended }
}

/** Asks until there is an answer. */
export const eventually = async <A>(
  what: string,
  limitMs: number,
  look: () => Promise<A | null | undefined | false> | A | null | undefined | false,
): Promise<A> => {
  for (const end = performance.now() + limitMs; performance.now() < end; await wait(25)) {
    const seen = await look()
    if (seen !== null && seen !== undefined && seen !== false) return seen
  }
  throw new Error(`${what}: not within ${limitMs / 1000} s`)
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // ended meanwhile
  }
}

/** Live processes that have to do with the folder: by their arguments or their environment. Linux only. */
export const processesOf = (folder: string): { pid: number; command: string }[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap(name => {
      const command = read(`/proc/${name}/cmdline`)
      const isOfFolder = command.includes(folder) || read(`/proc/${name}/environ`).includes(`=${folder}`)
      const isDead = /^State:\s+[ZX]/m.test(read(`/proc/${name}/status`))
      return isOfFolder && !isDead ? [{ pid: Number(name), command: command.replaceAll('\0', ' ').trim() }] : []
    })

/** `<state>/<name>.json`, or null while it is not there or torn. */
export const stateFile = (state: string, name: string): Record<string, unknown> | null => {
  try {
    return JSON.parse(read(join(state, `${name}.json`))) as Record<string, unknown>
  } catch {
    return null // not there, or being replaced
  }
}

/** What still lives of the folder a moment later: a signalled helper may need a tenth of a second. Empty = nothing. */
export const leftOf = async (folder: string, limitMs = 20_000): Promise<{ pid: number; command: string }[]> => {
  for (const end = performance.now() + limitMs; ; await wait(50)) {
    const left = processesOf(folder)
    if (left.length === 0 || performance.now() > end) return left
  }
}

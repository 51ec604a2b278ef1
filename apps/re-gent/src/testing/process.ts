import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Polls until the condition holds; fails after the deadline, naming what was waited for. */
export const until = async (what: string, holds: () => unknown, timeoutMs = 40_000): Promise<void> => {
  const deadline = performance.now() + timeoutMs
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await sleep(5)
  }
}

export type AgentProcess = {
  readonly pid: number
  readonly exited: Promise<number | null>
  stderr(): string
  kill(signal: NodeJS.Signals): Promise<number | null>
}

const main = new URL('../main.ts', import.meta.url).pathname

/** The real agent as a process of its own. */
export const startAgent = (state: string, env: Readonly<Record<string, string>>): AgentProcess => {
  const child: ChildProcess = spawn(process.execPath, [main, '--state', state], {
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      HOME: process.env['HOME'] ?? '/',
      REGENT_INSTANCE: 'instance-1',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr?.on('data', chunk => (stderr += String(chunk)))
  const exited = new Promise<number | null>(resolve => child.once('close', resolve))
  return {
    pid: child.pid ?? 0,
    exited,
    stderr: () => stderr,
    kill: signal => {
      child.kill(signal)
      return exited
    },
  }
}

export const temporaryFolder = (): { path: string; remove(): void } => {
  const path = mkdtempSync(join(tmpdir(), 're-gent-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** All records of an agent's journal, as anybody may read them. */
export const journalOf = (state: string): { t: string; id?: string; state?: string }[] => {
  const folder = join(state, 'journal')
  const names = readdirSync(folder).sort()
  return names.flatMap(name =>
    readFileSync(join(folder, name), 'utf8')
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as { t: string; id?: string; state?: string }),
  )
}

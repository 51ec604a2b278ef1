import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readAddressFile } from '@re-ops/service'
import { startChild, type Child } from './child.ts'
import { agentFolder } from './this-machine.ts'
import { until } from './until.ts'

const root = dirname(dirname(import.meta.dirname))
const programs = {
  mote: 'apps/re-mote/src/main.ts',
  core: 'apps/re-core/src/main.ts',
} as const

export const argvOf = (name: keyof typeof programs, ...args: readonly string[]): string[] => [
  process.execPath,
  join(root, programs[name]),
  ...args,
]

export const logOf = (state: string, name: string): string => {
  const folder = join(state, 'log')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  return join(folder, `${name}.log`)
}

const serviceRestartMs = [200, 1_000] as const
/** Long enough for a person to see the host `unreachable`, short enough not to wait for it. */
const agentRestartMs = [5_000, 10_000] as const
const serviceStopMs = 2_000
const agentStopMs = 1_000
const readyWithinMs = 60_000
const requestMs = 5_000

type PartOptions = {
  readonly state: string
  readonly environment: Readonly<Record<string, string>>
  readonly onRestart: (why: string) => unknown
}

export const startService = (name: 'mote' | 'core', { state, environment, onRestart }: PartOptions): Child =>
  startChild({
    name: `re-${name}`,
    argv: argvOf(name),
    environment,
    log: logOf(state, `re-${name}`),
    restartMs: serviceRestartMs,
    stopGraceMs: serviceStopMs,
    onRestart,
  })

export const startAgent = ({ state, program, environment, onRestart }: PartOptions & { program: string }): Child =>
  startChild({
    name: "this machine's agent",
    argv: [process.execPath, program, '--state', agentFolder(state)],
    environment,
    log: logOf(state, 'this'),
    restartMs: agentRestartMs,
    stopGraceMs: agentStopMs,
    onRestart,
  })

/** The service says itself where it is, and that it and what it needs are up. Fails as soon as its process ends. */
export const whenReady = (child: Child, state: string, url: string, signal: AbortSignal): Promise<void> =>
  child.during(
    until({ what: `${child.name}: the start`, limitMs: readyWithinMs, signal }, async () => {
      const address = await readAddressFile(state, child.name)
      if (address === null || address['pid'] !== child.pid()) return { not: 'it has not said yet where it listens' }
      try {
        const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(requestMs) })
        const text = await response.text()
        return response.ok
          ? { ok: undefined }
          : { not: `${url}/ready answers ${response.status} ${text.slice(0, 300)}` }
      } catch (error) {
        return { not: `${url}/ready does not answer (${error instanceof Error ? error.message : String(error)})` }
      }
    }),
  )

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Job, Scope, System } from '@re-ops/protocols'
import { ensureTokenKey, makeTokenSigner } from '@re-ops/service'
import { powerOffAll } from '../providers/local/power.ts'
import { markedProcesses } from '../providers/local/process.ts'
import { startFakeMote } from './mote.ts'

const main = join(import.meta.dirname, '../main.ts')
export type Reply = { status: number; body: Record<string, unknown> }

/** Whether the agent of that system's machine has called home; of other machines than processes of this computer. */
export type CallsHome = (system: string, generation: number) => Promise<boolean>

/**
 * re-core as the process it is, on its own state folder, with stand-in agents and the documented API of re-mote. Each
 * `start` is one more replica; `ask` and `end` are of the latest.
 */
export const makeService = async (databaseUrl: string, callsHome?: CallsHome) => {
  const state = await mkdtemp(join(tmpdir(), 're-core-'))
  const root = join(state, 'local')
  const output: string[] = []
  const running = async () =>
    (await markedProcesses())
      .filter(one => one.folder.startsWith(`${root}/`) && one.isAgent)
      .map(one => one.folder.slice(root.length + 1))
  const revealed = new Map<string, string>()
  let walk = { at: 0, refs: running() }
  const isProcessUp: CallsHome = async system => {
    if (performance.now() - walk.at > 20) walk = { at: performance.now(), refs: running() }
    const ref = revealed.get(system) ?? (await systems()).find(one => one.id === system)?.ref
    return ref !== undefined && ref !== null && (await walk.refs).includes(ref)
  }
  const mote = await startFakeMote(callsHome ?? isProcessUp)
  const signer = makeTokenSigner(await ensureTokenKey(state))
  const tokenFor = async (...scopes: Scope[]) =>
    (await signer.sign({ subject: 'tester', scopes, ttlMs: 600_000 })).token
  const admin = await tokenFor('admin')
  const children = new Set<ChildProcess>()
  let child: ChildProcess | null = null
  let url = ''

  const environment = (more: Record<string, string>) => ({
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    REOPS_STATE: state,
    DATABASE_URL: databaseUrl,
    RECORE_PORT: '0',
    REMOTE_URL: mote.url,
    RECORE_AGENT_COMMAND: '/bin/sh,-c,sleep 600 & wait,agent',
    REOPS_LOG_LEVEL: 'debug',
    ...more,
  })
  const launch = (args: string[], more: Record<string, string> = {}) => {
    const one = spawn(process.execPath, [main, ...args], {
      env: environment(more),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'], // over its channel it hears that we are gone, however we end
    })
    children.add(one)
    one.once('exit', () => children.delete(one))
    one.stderr?.on('data', (chunk: Buffer) => void output.push(chunk.toString()))
    return one
  }
  const start = async (more: Record<string, string> = {}): Promise<void> => {
    const one = launch([], more)
    child = one
    const lines = createInterface({ input: one.stdout as Readable })
    const first = await Promise.race([
      once(lines, 'line').then(([line]) => String(line)),
      once(one, 'exit').then(([code]) => `exit ${code}: ${output.slice(-3).join('')}`),
    ])
    if (!first.startsWith('re-core ready ')) throw new Error(first)
    url = first.slice('re-core ready '.length)
  }
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const one = child
    child = null
    if (one === null || one.exitCode !== null) return one?.exitCode ?? null
    const exit = once(one, 'exit')
    one.kill(signal)
    return ((await exit) as [number | null])[0]
  }
  /** Runs to its end; answers the exit code and what it said. */
  const run = async (args: string[], more: Record<string, string> = {}) => {
    const one = launch(args, more)
    let said = ''
    for (const stream of [one.stdout, one.stderr])
      stream?.on('data', (chunk: Buffer) => void (said += chunk.toString()))
    const [code] = (await once(one, 'close')) as [number | null]
    return { code, said }
  }
  type Asking = { body?: unknown; text?: string; token?: string | null; key?: string }
  const ask = async (method: string, path: string, { body, text, token = admin, key }: Asking = {}): Promise<Reply> => {
    const signal = AbortSignal.timeout(30_000)
    const sent = text ?? (body === undefined ? undefined : JSON.stringify(body))
    const reply = await fetch(`${url}${path}`, {
      method,
      signal,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(sent === undefined ? {} : { body: sent }),
    })
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> }
  }
  const systems = async () => (await ask('GET', '/v1/systems')).body as unknown as System[]
  return {
    state,
    root,
    output,
    mote,
    running,
    tokenFor,
    start,
    end,
    run,
    ask,
    systems,
    url: () => url,
    system: async (name: string) => (await ask('GET', `/v1/systems/${name}`)).body as unknown as System,
    job: async (id: string) => (await ask('GET', `/v1/jobs/${id}`)).body as unknown as Job,
    stop: async () => {
      for (const one of children) one.kill('SIGKILL')
      await mote.stop()
      await powerOffAll(root, 0)
      await rm(state, { recursive: true, force: true })
    },
  }
}
export type TestService = Awaited<ReturnType<typeof makeService>>

/** Looks again and again until there is an answer, with a deadline. */
export const until = async <T>(what: string, look: () => Promise<T | null | false>, ms = 40_000): Promise<T> => {
  const deadline = performance.now() + ms
  for (;;) {
    const found = await look()
    if (found !== null && found !== false) return found
    if (performance.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

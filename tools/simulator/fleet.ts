import { fork, type ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeClient } from '@re-ops/client'
import { readJournal, type JournalLine } from '../chaos/foundation/journals.ts'
import { checkShares, noFaults, type Shares } from './faults.ts'
import type { Begin, Blow, Member, Order, SimulatedOperation, Stats, Which, Word } from './orders.ts'
import { roomy } from './roomy.ts'
import { sumOf } from './sum.ts'

export type FleetOptions = {
  readonly agents: number
  /** Default 1. An agent takes seven open files and 0.3 MiB; one process holds at most some 2,500. */
  readonly processes?: number
  readonly moteUrl: string
  /** An enrolment token (`re1...`) with enough uses, or an access token that may make one (`enrolments:write`). */
  readonly token: string
  /** Holds one folder an agent, named as the agent. Kept: the same agents come back from it. */
  readonly stateFolder: string
  /** Names are `<name>-00001`, ... Default `sim`. */
  readonly name?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly operations?: readonly SimulatedOperation[]
  readonly faults?: Shares
  /** The same seed gives the same chances. Default 1. */
  readonly seed?: number
  /** Over the agent's own environment, for example REGENT_SLOTS. */
  readonly environment?: Readonly<Record<string, string>>
}
export type AgentFiles = Member & { lines(): JournalLine[] }

/** Simulated agents in processes of their own. */
export type Fleet = {
  /** Resolves when every agent has a session. Rejects after `withinMs` (default two minutes), saying how many have. */
  ready(withinMs?: number): Promise<void>
  /** Agents with a session now. */
  live(): number
  /** Kills (-9) a process with all its agents and, unless told not to, starts it again on the same folders. */
  kill(process: number, options?: { readonly again?: boolean }): Promise<void>
  /** From now on these agents have these faults (`{}`: none). Resolves with how many agents. */
  fault(which: Which, shares: Shares): Promise<number>
  /** Happens now, once. Resolves with how many agents. */
  strike(which: Which, blow: Blow): Promise<number>
  stats(): Promise<Stats>
  pids(): readonly number[]
  /** Where each agent writes of itself, and what it wrote. */
  journals(): readonly AgentFiles[]
  /** In good order: calls end, results go out, goodbye. After `withinMs` (default 20 s) with -9. */
  stop(withinMs?: number): Promise<void>
}

const tokenTtlMs = 3_600_000
/** Agents that start sync their files; the disk takes many at once in hardly more time than one. */
const filesAtOnce = 24
const program = new URL('./process.ts', import.meta.url)

/** The agents' token: given, or made with one use for each. */
const enrolmentToken = async ({ token, moteUrl, agents }: FleetOptions): Promise<string | undefined> => {
  if (token.startsWith('re1.')) return token
  const { mote } = makeClient({ moteUrl, token })
  return (await mote.createEnrolment({ uses: agents, ttlMs: tokenTtlMs })).token
}

/** Starts the processes; agents enrol (once) and connect from then on: see `ready`. */
export const startFleet = async (options: FleetOptions): Promise<Fleet> => {
  const { agents, processes = 1, name = 'sim', seed = 1, moteUrl } = options
  const faults = checkShares(options.faults ?? noFaults)
  const root = resolve(options.stateFolder)
  mkdirSync(root, { recursive: true, mode: 0o700 })
  const members = Array.from({ length: agents }, (_, n): Member => {
    const own = `${name}-${String(n + 1).padStart(5, '0')}`
    return { name: own, folder: join(root, own) }
  })
  const share = Math.ceil(agents / processes)
  const token = await enrolmentToken(options)
  const waits = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  let asks = 0
  let lives = 0
  let stopping = false
  let changed = Promise.withResolvers<void>()

  type Slot = { child: ChildProcess; live: number; exited: Promise<void> }
  const begin = (at: number): Slot => {
    const env = { ...roomy.env, UV_THREADPOOL_SIZE: String(filesAtOnce) }
    const child = fork(program, { ...roomy, stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env })
    const slot: Slot = { child, live: 0, exited: new Promise(done => child.once('exit', () => done())) }
    child.on('message', (word: Word) => {
      if (word.kind === 'sessions') slot.live = word.live
      else waits.get(word.ask)?.resolve(word.value as never)
      changed.resolve()
    })
    child.once('exit', (code, signal) => {
      slot.live = 0
      changed.resolve()
      for (const { reject } of waits.values()) reject(new Error(`simulator process ${at} ended: ${signal ?? code}`))
      waits.clear()
    })
    lives += 1
    const order: Begin = {
      kind: 'begin',
      url: moteUrl,
      token,
      members: members.slice(at * share, (at + 1) * share),
      labels: { simulated: 'true', ...options.labels },
      operations: options.operations ?? [],
      shares: faults,
      seed: seed * 1_000 + lives,
      environment: options.environment ?? {},
    }
    child.send(order)
    return slot
  }
  const slots = Array.from({ length: Math.ceil(agents / share) }, (_, at) => begin(at))
  const live = () => slots.reduce((sum, slot) => sum + slot.live, 0)
  type Asking = Order extends infer O ? (O extends { ask: number } ? Omit<O, 'ask'> : never) : never
  const ask = async <T>(order: Asking): Promise<T[]> =>
    Promise.all(
      slots.map(({ child }) => {
        const { promise, resolve, reject } = Promise.withResolvers<T>()
        asks += 1
        const key = asks
        waits.set(key, { resolve, reject })
        child.send({ ...order, ask: key }, error => error && reject(error))
        return promise.finally(() => waits.delete(key))
      }),
    )
  const total = async (order: Asking) => (await ask<number>(order)).reduce((sum, count) => sum + count, 0)
  return {
    ready: async (withinMs = 120_000) => {
      const deadline = performance.now() + withinMs
      while (live() < agents) {
        if (stopping) throw new Error('the fleet was stopped')
        const leftMs = deadline - performance.now()
        if (leftMs <= 0) throw new Error(`${live()} of ${agents} agents have a session after ${withinMs} ms`)
        changed = Promise.withResolvers()
        const timer = setTimeout(() => changed.resolve(), leftMs)
        await changed.promise
        clearTimeout(timer)
      }
    },
    live,
    kill: async (at, { again = true } = {}) => {
      const slot = slots[at]
      if (!slot) throw new Error(`no process ${at}; there are ${slots.length}, counted from 0`)
      slot.child.kill('SIGKILL')
      await slot.exited
      if (again && !stopping) slots[at] = begin(at)
    },
    fault: (which, shares) => total({ kind: 'shares', which, shares: checkShares(shares) }),
    strike: (which, blow) => total({ kind: 'blow', which, blow }),
    stats: async () => sumOf(await ask<Stats>({ kind: 'stats' })),
    pids: () => slots.map(({ child }) => child.pid ?? 0),
    journals: () => members.map(member => ({ ...member, lines: () => readJournal(member.folder) })),
    stop: async (withinMs = 20_000) => {
      stopping = true
      for (const { child } of slots) if (child.connected) child.send({ kind: 'stop' })
      const kill = setTimeout(() => slots.forEach(({ child }) => child.kill('SIGKILL')), withinMs)
      await Promise.all(slots.map(({ exited }) => exited))
      clearTimeout(kill)
    },
  }
}

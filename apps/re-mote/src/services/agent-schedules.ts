import { createHash } from 'node:crypto'
import { checkInput, operationNamed } from '@re-ops/operations'
import {
  newId,
  sampleLimits,
  type AgentSchedule,
  type AgentScheduleInfo,
  type CreateAgentSchedule,
  type KeptSample,
} from '@re-ops/protocols'
import { HttpProblem, isConnectionLost, type Log, type Pool } from '@re-ops/service'
import type { CallSays, SamplesSays } from '../broker/words.ts'
import {
  hostsOfSchedule,
  insertAgentSchedule,
  insertSamples,
  listSamples,
  readAgentSchedules,
  removeAgentSchedule,
  removeOldSamples,
  type AgentScheduleRow,
  type Delivered,
} from '../store/samples.ts'
import { makeBatcher } from './batcher.ts'
import { withSelector } from './selectors.ts'

export type AgentSchedulesDeps = {
  readonly log: Log
  readonly pool: Pool
  epochOf(host: string): number | undefined
  send(host: string, epoch: number, messages: readonly CallSays[]): void
  /** Told once for each sample that is not kept. */
  onUnclaimed(reason: 'no-schedule' | 'overflow'): void
}
/** What agents sample by themselves: who is to, and what came of it. */
export type AgentSchedules = {
  create(asked: CreateAgentSchedule, subject: string): Promise<AgentScheduleInfo>
  list(): Promise<AgentScheduleInfo[]>
  remove(name: string): Promise<void>
  samples(name: string, asked: { host?: string | undefined; limit: number }): Promise<KeptSample[]>
  onHeard(host: string, epoch: number, message: SamplesSays): void
  onLive(host: string, epoch: number): void
  /** Reads who is to sample what; called at the start. */
  refresh(): Promise<void>
  close(): Promise<void>
}

const schedulesMax = 1_000
const timeoutMsDefault = 10_000
const keepMsDefault = 7 * 86_400_000
const refreshMs = 60_000
const oldPerSweepMax = 50_000
const waitingMax = 20_000

const none = '0'.repeat(16)
const hashOf = (schedules: readonly AgentSchedule[]): string =>
  schedules.length === 0 ? none : createHash('sha256').update(JSON.stringify(schedules)).digest('hex').slice(0, 16)
const scheduleOf = ({ id, operation, input, every_ms, timeout_ms }: AgentScheduleRow): AgentSchedule => ({
  id,
  operation,
  input,
  everyMs: every_ms,
  timeoutMs: timeout_ms,
})

/** Only what reads may be done again and again by nobody's order. */
const checkOperation = ({ operation: name, input = {} }: CreateAgentSchedule): void => {
  const operation = operationNamed(name)
  const bad = (path: string, message: string) =>
    new HttpProblem(400, 'bad-schedule', 'Bad schedule', `${path} ${message}`, { errors: [{ path, message }] })
  if (!operation) throw bad('/body/operation', `${name} is not in the catalogue; GET /v1/operations lists it`)
  if (operation.reads !== true) throw bad('/body/operation', `${name} does more than read; agents sample what reads`)
  const [error] = checkInput(operation, input)
  if (error) throw bad(`/body/input${error.path}`, error.message)
}

type Wanted = { readonly hash: string; readonly schedules: readonly AgentSchedule[] }

export const makeAgentSchedules = (deps: AgentSchedulesDeps): AgentSchedules => {
  const { pool, log, send, onUnclaimed } = deps
  /** By host; hosts that are not in it are to sample nothing. */
  let wanted = new Map<string, Wanted>()
  /** What each session was told, or said that it holds. */
  const told = new Map<string, { readonly epoch: number; readonly hash: string }>()

  const tell = (host: string, epoch: number): void => {
    const { hash, schedules } = wanted.get(host) ?? { hash: none, schedules: [] }
    const before = told.get(host)
    const isTold = before?.epoch === epoch ? before.hash === hash : hash === none
    if (isTold) return
    told.set(host, { epoch, hash })
    send(host, epoch, [{ kind: 'schedules.set', body: { hash, schedules: [...schedules] } }])
  }
  const resolve = async (): Promise<Map<string, Wanted>> => {
    const byHost = new Map<string, AgentSchedule[]>()
    for (const row of await readAgentSchedules(pool)) {
      const hosts = await withSelector(pool, { text: row.selector, where: row.name }, async (sql, selector) => {
        const { rows } = await sql.query<{ id: string }>(
          `select h.id from mote.host h where ${selector.condition} and h.transport = 'zmq' and h.state = 'enrolled'`,
          selector.parameters,
        )
        return rows
      }).catch((error: unknown) => {
        if (isConnectionLost(error)) throw error
        log.warn({ err: error, schedule: row.name }, 'the selector of a schedule cannot be used; it picks no host')
        return []
      })
      for (const { id } of hosts) byHost.set(id, [...(byHost.get(id) ?? []), scheduleOf(row)])
    }
    return new Map(
      [...byHost].map(([host, all]) => {
        const schedules = all.slice(0, sampleLimits.schedulesPerAgentMax)
        return [host, { schedules, hash: hashOf(schedules) }]
      }),
    )
  }
  // One at a time: the last one that was asked for sees all that was stored before.
  let refreshing: Promise<void> = Promise.resolve()
  const refresh = (): Promise<void> => {
    const work = async () => {
      const before = wanted
      wanted = await resolve()
      for (const host of new Set([...before.keys(), ...wanted.keys()])) {
        const epoch = deps.epochOf(host)
        if (epoch !== undefined) tell(host, epoch)
      }
      for (const host of told.keys()) if (!wanted.has(host) && !before.has(host)) told.delete(host)
    }
    const done = refreshing.then(work)
    refreshing = done.catch(() => undefined)
    return done
  }
  const taken = (batch: readonly Delivered[]) => {
    const last = new Map(batch.map(one => [one.host, one]))
    for (const [host, { series, sample }] of last) {
      const epoch = deps.epochOf(host)
      if (epoch !== undefined) send(host, epoch, [{ kind: 'samples.taken', body: { series, upTo: sample.seq } }])
    }
  }
  const batcher = makeBatcher<Delivered>({
    name: 'samples',
    log,
    itemsMax: 2_000,
    newBatchId: newId,
    flush: async batch => {
      const unknown = await insertSamples(pool, batch)
      for (let told = 0; told < unknown; told += 1) onUnclaimed('no-schedule')
      return () => taken(batch)
    },
    onRefused: one => {
      log.warn({ host: one.host, schedule: one.sample.schedule }, 'a sample cannot be stored')
      taken([one])
    },
  })
  const timer = setInterval(() => {
    const report = (error: unknown) => log.debug({ err: error }, 'schedules of agents cannot be looked at now')
    refresh().catch(report)
    removeOldSamples(pool, oldPerSweepMax).catch(report)
  }, refreshMs)
  const infoOf = async (row: AgentScheduleRow): Promise<AgentScheduleInfo> => ({
    id: row.id,
    name: row.name,
    on: row.selector,
    operation: row.operation,
    input: row.input,
    everyMs: row.every_ms,
    timeoutMs: row.timeout_ms,
    keepMs: row.keep_ms,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    hosts: await hostsOfSchedule(pool, row.id),
  })
  const refused = (status: number, kind: string, title: string, detail: string) =>
    new HttpProblem(status, kind, title, detail)
  const noSuch = (name: string) =>
    refused(404, 'no-such-schedule', 'No such schedule', `no schedule of agents is called ${name}`)
  return {
    create: async (asked, subject) => {
      checkOperation(asked)
      await withSelector(pool, { text: asked.on, where: '/body/on' }, () => Promise.resolve())
      const { input = {}, timeoutMs = Math.min(timeoutMsDefault, asked.everyMs), keepMs = keepMsDefault } = asked
      if ((await readAgentSchedules(pool)).length >= schedulesMax)
        throw refused(409, 'too-many-schedules', 'Too many schedules', `at most ${schedulesMax} are kept`)
      const row = await insertAgentSchedule(pool, { ...asked, input, timeoutMs, keepMs, id: newId(), by: subject })
      if (!row)
        throw refused(409, 'schedule-exists', 'Schedule exists', `/body/name: ${asked.name} is taken; remove it first`)
      await refresh()
      return infoOf(row)
    },
    list: async () => Promise.all((await readAgentSchedules(pool)).map(infoOf)),
    remove: async name => {
      if (!(await removeAgentSchedule(pool, name))) throw noSuch(name)
      await refresh()
    },
    samples: async (name, { host, limit }) => {
      const row = (await readAgentSchedules(pool)).find(one => one.name === name)
      if (!row) throw noSuch(name)
      return listSamples(pool, { schedule: row.id, host, limit })
    },
    onHeard: (host, epoch, message) => {
      if (message.kind === 'schedules.held') {
        told.set(host, { epoch, hash: message.body.hash })
        return tell(host, epoch)
      }
      // More than can be written: the agent says them again.
      const isFull = batcher.length > waitingMax
      for (const sample of message.body.samples) {
        if (isFull) onUnclaimed('overflow')
        else batcher.put({ host, series: message.body.series, sample })
      }
    },
    onLive: tell,
    refresh,
    close: async () => {
      clearInterval(timer)
      await batcher.drained()
    },
  }
}

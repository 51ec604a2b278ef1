import { callAt, decodeStep, modulesIn, type Cursor, type ModuleLookup, type Step } from '@re-ops/pipelines'
import { moduleLimits, newId, type CreateRun, type Run, type Target } from '@re-ops/protocols'
import { contentHash, HttpProblem, type Log, type Pool } from '@re-ops/service'
import { catalogue } from '@re-ops/operations'
import { offlineOpening, onlineOpening } from '../driver/opening.ts'
import type { Driver } from '../driver/driver.ts'
import { driverLimits } from '../driver/limits.ts'
import type { ActiveCall, ActiveRun, ActiveTarget, Rollout } from '../driver/types.ts'
import { contentsIn } from './contents-in.ts'
import type { Files } from './files.ts'
import { lookupOf, type Modules } from './modules.ts'
import { createRun, type Opening, type PickedHost } from '../store/create-run.ts'
import {
  findAbandoned,
  findRun,
  findRunByKey,
  listTargets,
  runOf,
  sizeOfTargets,
  type OpenTarget,
  type RunRow,
} from '../store/runs.ts'
import { claimRuns } from '../store/replicas.ts'
import type { Sql } from '../store/sql.ts'
import { withSelector, type Compiled } from './selectors.ts'
import { askedControl, newRollout, storedRollout } from './rollout.ts'

export type RunsDeps = {
  readonly log: Log
  readonly pool: Pool
  /** For what is stored in the way of a call. */
  readonly writer: Pool
  readonly driver: Driver
  readonly modules: Pick<Modules, 'load'>
  readonly files: Pick<Files, 'missing'>
  readonly broker: () => string
  /** This service, as the owner of runs. */
  readonly replica: string
  onCreated(run: string): void
}

const defaultTimeoutMs = 60_000
/** Results of runs up to this size stay in memory until the run ends, for who waits; bigger ones are read back. */
const keptTargetsMax = 1_000

/** A pipeline from outside, or of a stored run, as a step; dry: of what it would do. */
export const decodeRun = (pipeline: unknown, modules: ModuleLookup, dry: boolean): Step<unknown, unknown> => {
  const decoded = decodeStep(pipeline, catalogue, modules, { dry })
  if (decoded.ok) return decoded.step
  const errors = decoded.errors.map(one => ({ path: `/body/pipeline${one.path}`, message: one.message }))
  const detail = errors
    .map(one => `${one.path} ${one.message}`)
    .join('; ')
    .slice(0, 1_000)
  throw new HttpProblem(400, decoded.kind, titles[decoded.kind], detail, { errors })
}
const titles = {
  'bad-pipeline': 'Bad pipeline',
  'unknown-operation': 'Unknown operation',
  'unknown-module': 'Unknown module',
  'bad-input': 'Bad input',
} as const

export type Started = { readonly run: Run; readonly ended: Promise<Run> }
type Asked = {
  readonly body: CreateRun
  readonly subject: string
  readonly requestId: string
  readonly key: string | undefined
  /** The run that is done again, and its hosts; the selector only says how they were picked once. */
  readonly retry?: { readonly of: string; readonly hosts: Compiled }
}

/** Checks, resolves, stores, then sends. Answers the run as it is stored, and a promise of it when it has ended. */
export const startRun = async (deps: RunsDeps, asked: Asked): Promise<Started> => {
  const { body, subject, requestId, key, retry } = asked
  const named = modulesIn(body.pipeline)
  if (named.length > moduleLimits.perRunMax)
    throw new HttpProblem(
      400,
      'bad-pipeline',
      titles['bad-pipeline'],
      `/body/pipeline names ${named.length} modules; at most ${moduleLimits.perRunMax} are allowed`,
    )
  const dry = body.dryRun === true
  const step = decodeRun(body.pipeline, lookupOf(named.length === 0 ? new Map() : await deps.modules.load(named)), dry)
  const control = askedControl(body, step)
  await contentsAreHere(deps, body.pipeline)
  const timeoutMs = body.timeoutMs ?? defaultTimeoutMs
  const waitOnlineMs = body.waitOnline ?? 0
  const id = newId()
  const { opening, first } = onlineOpening(step)
  const online = control ? heldOpening : opening
  // Hosts that are waited for begin as if they had a session; their calls are held until they have one.
  const offline = waitOnlineMs > 0 || control ? online : offlineOpening(step)
  const special = control || dry || retry ? { control, dry, retryOf: retry?.of ?? null } : null
  const pick = <T>(work: (sql: Sql, hosts: Compiled) => Promise<T>): Promise<T> =>
    retry ? work(deps.writer, retry.hosts) : withSelector(deps.writer, { text: body.on, where: '/body/on' }, work)
  const picked = await pick((sql, selector) =>
    createRun(sql, {
      id,
      selector: body.on,
      pipeline: body.pipeline,
      timeoutMs: body.timeoutMs ?? null,
      waitOnlineMs: waitOnlineMs > 0 ? waitOnlineMs : null,
      createdBy: subject,
      requestId,
      idempotencyKey: key ?? null,
      bodyHash: key === undefined ? null : bodyHash(asked),
      allowNone: body.allowNone === true,
      broker: deps.broker(),
      owner: deps.replica,
      ...selector,
      online,
      offline,
      special,
    }),
  )
  if (picked === null) return again(deps, asked)
  if (picked.length === 0 && body.allowNone !== true) throw retry ? hostsGone(retry.of) : matchesNothing(body.on)
  deps.onCreated(id)
  const facts = { id, step, requestId, timeoutMs, waitOnlineMs, expected: picked.length }
  const rollout = control && newRollout(control, picked.length)
  const run = newRun({ ...facts, ageMs: 0, cancelled: false, stop: null, rollout })
  const open = openTargets(run, picked, online, offline)
  if (rollout) rollout.held = [...run.targets.values()]
  const stored: Run = {
    id,
    on: body.on,
    pipeline: body.pipeline,
    state: run.open > 0 ? 'running' : 'done',
    createdAt: new Date().toISOString(),
    finishedAt: run.open > 0 ? null : new Date().toISOString(),
    createdBy: subject,
    ...(named.length === 0 ? {} : { modules: named }),
    ...(control ? { control } : {}),
    ...(dry ? { dryRun: true } : {}),
    ...(retry ? { retryOf: retry.of } : {}),
    summary: summaryOf(run),
  }
  if (run.open === 0) {
    const targets = targetsOf(run)
    return { run: stored, ended: targets ? Promise.resolve({ ...stored, targets }) : read(deps, id) }
  }
  const calls = open.flatMap(({ target, call }) =>
    call === null || first.kind !== 'call' ? [] : [deps.driver.newCall(target, first, call)],
  )
  const ended = run.done.promise.then(() => {
    const targets = run.open === 0 ? targetsOf(run) : null
    return targets
      ? {
          ...stored,
          ...stoppedIn(run),
          state: 'done' as const,
          finishedAt: new Date().toISOString(),
          summary: summaryOf(run),
          targets,
        }
      : read(deps, id)
  })
  ended.catch((error: unknown) => deps.log.debug({ err: error, run: id }, 'an ended run could not be read back'))
  deps.driver.take(run, calls)
  return { run: stored, ended }
}

const contentsAreHere = async ({ files }: RunsDeps, pipeline: unknown): Promise<void> => {
  const named = contentsIn(pipeline)
  const [missing] = named.length === 0 ? [] : await files.missing(named)
  if (missing === undefined) return
  const detail = `/body/pipeline names content ${missing}, which is not stored; POST /v1/files takes it`
  throw new HttpProblem(422, 'no-such-content', 'No such content', detail)
}

const matchesNothing = (on: string) =>
  new HttpProblem(
    422,
    'selector-matches-nothing',
    'Selector matches nothing',
    `/body/on: no host matches ${JSON.stringify(on)}; GET /v1/hosts lists them, allowNone (--allow-none) allows it${
      on.includes('fact:') ? '; facts are those of the last `facts` run (reops facts refresh)' : ''
    }`,
  )

const hostsGone = (run: string) =>
  new HttpProblem(
    422,
    'hosts-gone',
    'The hosts are gone',
    `none of the hosts that failed in run ${run} is there any more`,
  )

/** A retry asks for other hosts than its selector picks now. */
const bodyHash = ({ body, retry }: Asked): string =>
  contentHash(retry ? { ...body, retry: retry.hosts.parameters } : body)

/** The same key again: the same run, or a conflict when the body is another one. */
const again = async (deps: RunsDeps, asked: Asked): Promise<Started> => {
  const { key, subject } = asked
  const row = key === undefined ? null : await findRunByKey(deps.pool, subject, key)
  if (!row) throw new Error('a run was neither stored nor found')
  if (row.body_hash !== bodyHash(asked))
    throw new HttpProblem(
      409,
      'idempotency-conflict',
      'Idempotency-Key was used before',
      `Idempotency-Key ${key} was used for another body; use a new key for a new request`,
    )
  const active = deps.driver.get(row.id)
  const ended = active ? active.done.promise.then(() => read(deps, row.id)) : untilDone(deps, row)
  ended.catch((error: unknown) => deps.log.debug({ err: error, run: row.id }, 'an ended run could not be read back'))
  return { run: runOf(row), ended }
}

const doneWithinMs = 60_000
const pollMs = 250
/** A run that another service drives: asked for again and again, as long as a client may wait. */
const untilDone = async (deps: RunsDeps, { id, state }: RunRow): Promise<Run> => {
  let isDone = state === 'done'
  for (const until = performance.now() + doneWithinMs; !isDone && performance.now() < until;) {
    await new Promise(resolve => setTimeout(resolve, pollMs))
    isDone = (await findRun(deps.pool, id))?.state === 'done'
  }
  return read(deps, id)
}
const read = async ({ pool }: RunsDeps, id: string): Promise<Run> => {
  const row = await findRun(pool, id)
  if (!row)
    throw new HttpProblem(404, 'no-such-run', 'No such run', `run ${id} does not exist; GET /v1/runs lists them`)
  return runOf(row, await smallTargets(pool, id))
}

/** All targets of a run at once, unless their results together are too much for one answer. */
export const targetsBytesMax = 16 * 1024 * 1024
export const smallTargets = async (sql: Sql, id: string): Promise<Target[] | undefined> =>
  (await sizeOfTargets(sql, id)) > targetsBytesMax ? undefined : listTargets(sql, id)

type RunFacts = Pick<
  ActiveRun,
  'id' | 'step' | 'requestId' | 'timeoutMs' | 'waitOnlineMs' | 'expected' | 'cancelled' | 'stop' | 'rollout'
> & {
  ageMs: number
}
const newRun = ({ ageMs, ...facts }: RunFacts): ActiveRun => ({
  ...facts,
  startedAt: performance.now() - ageMs,
  targets: new Map(),
  keepsResults: facts.expected <= keptTargetsMax,
  keptBytes: 0,
  cancelsBy: facts.cancelled ? performance.now() + driverLimits.cancelGraceMs : Infinity,
  open: 0,
  gathered: 0,
  ok: 0,
  failures: {},
  done: Promise.withResolvers<void>(),
})

/** Of a run whose hosts take turns: nothing happens to any before its turn. */
const heldOpening: Opening = {
  state: 'queued',
  step: null,
  cursor: null,
  gathered: false,
  value: null,
  failure: null,
  call: false,
  held: true,
}
/** The targets as the statement stored them. Only those that are not terminal have something to do. */
const openTargets = (run: ActiveRun, picked: readonly PickedHost[], online: Opening, offline: Opening) =>
  picked.flatMap(host => {
    const opening = host.online ? online : offline
    const { id, name, transport, ssh } = host
    const target: ActiveTarget = { run, host: id, name, transport, ssh, call: null, barrier: null, ended: null }
    run.targets.set(host.id, target)
    if (!opening.call && !opening.gathered && opening.held !== true) {
      target.ended = ended(target, opening)
      if (opening.state === 'ok') run.ok += 1
      else run.failures[opening.state] = (run.failures[opening.state] ?? 0) + 1
      return []
    }
    run.open += 1
    if (opening.gathered) {
      target.barrier = { cursor: opening.cursor as never, value: opening.value, step: opening.step ?? '' }
      run.gathered += 1
    }
    return [{ target, call: host.call }]
  })
const ended = (target: ActiveTarget, { state, step, value, failure }: Opening): Target => ({
  host: { id: target.host, name: target.name },
  state: state as Target['state'],
  step,
  ms: 0,
  ...(state === 'ok' ? { value } : {}),
  ...(failure ? { failure: failure as NonNullable<Target['failure']> } : {}),
})
const stoppedIn = ({ stop }: ActiveRun): Pick<Run, 'stopped'> => (stop ? { stopped: stop } : {})
const summaryOf = (run: ActiveRun): Run['summary'] => ({
  run: run.id,
  expected: run.expected,
  ok: run.ok,
  failed: run.expected - run.open - run.ok,
  failures: { ...run.failures },
})
const targetsOf = (run: ActiveRun): Target[] | null => {
  const targets: Target[] = []
  for (const { ended } of run.targets.values())
    if (ended === null || ended === true) return null
    else targets.push(ended)
  return targets
}

/**
 * Takes up stored runs that nobody drives: after a start all of this service, later those whose creation got lost with its connection, and at any
 * time those of services whose lease has expired.
 */
export const adoptRuns = async (deps: RunsDeps, olderThanMs: number): Promise<number> => {
  await claimRuns(deps.pool, deps.replica)
  const { runs, targets } = await findAbandoned(deps.pool, {
    known: deps.driver.runIds(),
    olderThanMs,
    owner: deps.replica,
  })
  const byRun = Map.groupBy(targets, target => target.run)
  const named = [...new Set(runs.flatMap(row => modulesIn(row.pipeline)))]
  const known = lookupOf(named.length === 0 ? new Map() : await deps.modules.load(named), { stored: true })
  for (const row of runs) {
    const rollout = row.control && (await storedRollout(deps.pool, { ...row, control: row.control }))
    if (deps.driver.get(row.id)) continue
    try {
      adopt(deps, row, { open: byRun.get(row.id) ?? [], modules: known, rollout })
    } catch (error) {
      deps.log.error(
        { err: error, run: row.id },
        'a stored run cannot be taken up: its pipeline is not understood any more',
      )
    }
  }
  if (runs.length > 0) deps.log.info({ runs: runs.length, targets: targets.length }, 'stored runs are taken up')
  return runs.length
}
type Stored = {
  readonly open: readonly OpenTarget[]
  readonly modules: ModuleLookup
  readonly rollout: Rollout | null
}
const adopt = (deps: RunsDeps, row: RunRow, { open: targets, modules, rollout }: Stored) => {
  const run = newRun({
    id: row.id,
    step: decodeRun(row.pipeline, modules, row.dry),
    requestId: row.request_id,
    timeoutMs: row.timeout_ms ?? defaultTimeoutMs,
    waitOnlineMs: row.wait_online_ms ?? 0,
    expected: row.expected,
    ageMs: Math.max(0, Date.now() - row.created_at.getTime()),
    cancelled: row.cancelled_at !== null,
    stop: row.stopped,
    rollout,
  })
  run.ok = row.ok
  Object.assign(run.failures, row.failures)
  run.open = targets.length
  const calls = targets.flatMap(stored => {
    const target: ActiveTarget = {
      run,
      host: stored.host,
      name: stored.host_name,
      transport: stored.transport,
      ssh: stored.ssh,
      call: null,
      barrier: null,
      ended: null,
    }
    run.targets.set(stored.host, target)
    if (stored.gathered) {
      target.barrier = { cursor: stored.cursor as never, value: stored.value, step: stored.step ?? '' }
      run.gathered += 1
    }
    return stored.call === null ? [] : [storedCall(deps, target, stored, stored.call)]
  })
  if (rollout) rollout.held = targets.filter(isHeld).flatMap(stored => run.targets.get(stored.host) ?? [])
  deps.driver.take(run, calls)
}
const isHeld = ({ call, gathered }: OpenTarget) => call === null && !gathered
/** Whatever its row says, an earlier process may have sent it: the agent is asked before anything else happens to it. */
const storedCall = (deps: RunsDeps, target: ActiveTarget, stored: OpenTarget, id: string): ActiveCall => {
  const progress = callAt(target.run.step, stored.cursor as Cursor)
  const call = deps.driver.newCall(target, progress, id, stored.redeliveries)
  if (call.transport === 'here') return call // whoever asked before is gone, and it only reads
  // Its host has had no session since the call was made, so nobody can have sent it.
  if (stored.unsent && call.transport === 'zmq') return call
  const acked = stored.call_state === 'acked' || stored.call_state === 'running'
  return {
    ...call,
    handed: true,
    state: stored.call_state ?? 'sent',
    ackedAt: acked ? (stored.acked_at?.toISOString() ?? null) : null,
    deadline: performance.now() + Math.max(15_000, call.timeoutMs + 5_000 - (stored.call_age_ms ?? 0)),
  }
}

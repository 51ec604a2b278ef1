import { decodeStep, modulesIn, type ModuleLookup, type Step } from '@re-ops/pipelines'
import { moduleLimits, newId, type CreateRun, type Run, type Target } from '@re-ops/protocols'
import { contentHash, HttpProblem, type Log, type Pool } from '@re-ops/service'
import { catalogue } from '@re-ops/operations'
import { offlineOpening, onlineOpening } from '../driver/opening.ts'
import type { Driver } from '../driver/driver.ts'
import { defaultTimeoutMs, heldOpening, newRun, openTargets, stoppedIn, summaryOf, targetsOf } from './active-run.ts'
import { contentsIn } from './contents-in.ts'
import type { Files } from './files.ts'
import { lookupOf, type Modules } from './modules.ts'
import { createRun } from '../store/create-run.ts'
import { findRun, findRunByKey, listTargets, runOf, sizeOfTargets, type RunRow } from '../store/runs.ts'
import type { Sql } from '../store/sql.ts'
import { withSelector, type Compiled } from './selectors.ts'
import { askedControl, newRollout } from './rollout.ts'

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

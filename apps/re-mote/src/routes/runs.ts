import { AggregateQuery, CreateRun, Id, missingOf, Run, RunAggregate, RunMissing, Target } from '@re-ops/protocols'
import { HttpProblem, idempotencyKey, type App } from '@re-ops/service'
import { Type } from 'typebox'
import { shownRollout } from '../services/rollout.ts'
import { smallTargets, startRun, targetsBytesMax } from '../services/runs.ts'
import { aggregatorFor, runAggregateOf, summariseRun } from '../services/summaries.ts'
import { findRun, listRuns, listUnanswered, markCancelled, pageOfTargets, runOf } from '../store/runs.ts'
import type { RouteDeps } from './deps.ts'
import { streamRun } from './run-events.ts'

const Params = Type.Object({ id: Id })
const Flag = Type.Union([Type.Literal('true'), Type.Literal('false')])
export const noSuchRun = (id: string) =>
  new HttpProblem(404, 'no-such-run', 'No such run', `run ${id} does not exist; GET /v1/runs lists them`)
const tooLarge = (id: string) =>
  new HttpProblem(
    413,
    'too-large',
    'Too much for one answer',
    `the results of run ${id} are more than ${targetsBytesMax / 1_048_576} MiB together: GET /v1/runs/${id}/targets gives them in pages, ?targets=false the run alone`,
  )

export const addRuns = (app: App, deps: RouteDeps): void => {
  const { pool, driver } = deps
  const found = async (id: string) => {
    const row = await findRun(pool, id)
    if (!row) throw noSuchRun(id)
    return row
  }
  app.post(
    '/v1/runs',
    {
      config: { scope: 'runs:write' },
      schema: {
        summary: 'Run a pipeline on the hosts a selector picks',
        body: CreateRun,
        querystring: Type.Object({
          wait: Type.Optional(
            Type.Number({ minimum: 0, maximum: 60, description: 'seconds to wait for its end; then 201 with targets' }),
          ),
        }),
        response: { 201: Run, 202: Run },
      },
    },
    async (request, reply) => {
      const { body, query } = request
      const key = idempotencyKey(request)
      const asked = { body, subject: request.caller.subject, requestId: request.id, key }
      const { run, ended } = await startRun(deps.runs, asked)
      const done = await within(ended, (query.wait ?? 0) * 1000)
      // Without its targets it is not the whole answer: they are too much for one.
      return done?.targets ? reply.code(201).send(done) : reply.code(202).send(done ?? run)
    },
  )
  app.get(
    '/v1/runs',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: 'Runs, newest first',
        querystring: Type.Object({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500 })),
          before: Type.Optional(Id),
        }),
        response: { 200: Type.Array(Run) },
      },
    },
    ({ query }) => listRuns(pool, { limit: query.limit ?? 50, before: query.before ?? null }),
  )
  app.get(
    '/v1/runs/:id',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: 'A run and its targets',
        params: Params,
        querystring: Type.Object({ targets: Type.Optional(Flag) }),
        response: { 200: Run },
      },
    },
    async ({ params, query }) => {
      const row = await found(params.id)
      const rollout = await shownRollout(pool, row)
      if (query.targets === 'false') return { ...runOf(row), ...rollout }
      const targets = await smallTargets(pool, params.id)
      if (!targets) throw tooLarge(params.id)
      return { ...runOf(row, targets), ...rollout }
    },
  )
  app.get(
    '/v1/runs/:id/targets',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary:
          'The targets of a run by name; a page may be shorter than its limit, the last one is followed by an empty one',
        params: Params,
        querystring: Type.Object({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: 'default 100' })),
          after: Type.Optional(
            Type.Unsafe<string>({ ...Id, description: 'the host of the last target of the page before' }),
          ),
        }),
        response: { 200: Type.Array(Target) },
      },
    },
    async ({ params, query }) => {
      const { id } = await found(params.id)
      const { after = null, limit = 100 } = query
      return pageOfTargets(pool, { run: id, after, limit, bytesMax: targetsBytesMax })
    },
  )
  app.post(
    '/v1/runs/:id/cancel',
    {
      config: { scope: 'runs:write' },
      schema: { summary: 'Cancel what has not ended', params: Params, response: { 202: Run } },
    },
    async ({ params }, reply) => {
      if (await markCancelled(pool, params.id)) driver.cancel(params.id)
      return reply.code(202).send(runOf(await found(params.id)))
    },
  )
  app.get(
    '/v1/runs/:id/missing',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: 'Which of its hosts have not answered, and why',
        params: Params,
        querystring: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })) }),
        response: { 200: RunMissing },
      },
    },
    async ({ params, query }) => {
      const { id, expected } = await found(params.id)
      const missing = (await listUnanswered(pool, id)).flatMap(target => missingOf(target) ?? [])
      return { run: id, expected, got: expected - missing.length, missing: missing.slice(0, query.limit ?? 1_000) }
    },
  )
  app.get(
    '/v1/runs/:id/summary',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: 'Its results taken together, so far or whole',
        params: Params,
        querystring: Type.Object(AggregateQuery),
        response: { 200: RunAggregate },
      },
    },
    async ({ params, query }) => {
      const row = await found(params.id)
      return runAggregateOf(row, await summariseRun(pool, row.id, aggregatorFor(row, query)))
    },
  )
  app.get(
    '/v1/runs/:id/events',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: 'Server-sent events: `target` as each ends, then `done`; `aggregate` in between when it is asked for',
        params: Params,
        querystring: Type.Object({
          ...AggregateQuery,
          aggregate: Type.Optional(Flag),
          targets: Type.Optional(Type.Union([...Flag.anyOf], { description: 'false leaves out the targets' })),
        }),
      },
    },
    async (request, reply) => {
      const row = await found(request.params.id)
      const { by, of, aggregate, targets } = request.query
      const asked = by !== undefined || of !== undefined || aggregate === 'true'
      const aggregator = asked ? aggregatorFor(row, { by, of }) : null
      await streamRun(deps, { request, reply }, { row, aggregator, targets: targets !== 'false' })
    },
  )
}

export const within = async <T>(promise: Promise<T>, ms: number): Promise<T | null> => {
  if (ms <= 0) return null
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>(resolve => {
    timer = setTimeout(() => resolve(null), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

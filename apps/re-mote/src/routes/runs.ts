import { CreateRun, Id, Run, type Target } from '@re-ops/protocols'
import { HttpProblem, idempotencyKey, openEvents, type App } from '@re-ops/service'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { startRun } from '../services/runs.ts'
import { findRun, listRuns, listTargets, markCancelled, runOf, summaryOf } from '../store/runs.ts'
import type { RouteDeps } from './deps.ts'

const Params = Type.Object({ id: Id })
const Flag = Type.Union([Type.Literal('true'), Type.Literal('false')])
const noSuchRun = (id: string) =>
  new HttpProblem(404, 'no-such-run', 'No such run', `run ${id} does not exist; GET /v1/runs lists them`)

export const addRuns = (app: App, deps: RouteDeps): void => {
  const { pool, driver } = deps
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
      return done ? reply.code(201).send(done) : reply.code(202).send(run)
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
      const row = await findRun(pool, params.id)
      if (!row) throw noSuchRun(params.id)
      return runOf(row, query.targets === 'false' ? undefined : await listTargets(pool, params.id))
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
      const row = await findRun(pool, params.id)
      if (!row) throw noSuchRun(params.id)
      return reply.code(202).send(runOf(row))
    },
  )
  app.get(
    '/v1/runs/:id/events',
    {
      config: { scope: 'runs:read' },
      schema: { summary: 'Server-sent events: `target` as each ends, then `done`', params: Params },
    },
    async (request, reply) => {
      if (!(await findRun(pool, request.params.id))) throw noSuchRun(request.params.id)
      await streamRun(deps, request, reply, request.params.id)
    },
  )
}

const within = async <T>(promise: Promise<T>, ms: number): Promise<T | null> => {
  if (ms <= 0) return null
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>(resolve => {
    timer = setTimeout(() => resolve(null), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** First what had ended, from Postgres, then the rest as it ends; each target once. Listening starts before reading, so nothing is missed. */
const streamRun = async ({ pool, hub }: RouteDeps, request: FastifyRequest, reply: FastifyReply, id: string) => {
  const stream = openEvents(request, reply)
  const told = new Set<string>()
  const tell = (target: Target) => {
    if (told.has(target.host.id)) return
    told.add(target.host.id)
    stream.send('target', target, target.host.id)
  }
  let replayed = false
  const early: (() => void)[] = []
  const finish = (summary: unknown) => {
    stream.send('done', summary)
    stream.end()
  }
  const stop = hub.listenToRun(id, {
    target: target => (replayed ? tell(target) : early.push(() => tell(target))),
    done: summary => (replayed ? finish(summary) : early.push(() => finish(summary))),
  })
  stream.closed.addEventListener('abort', stop)
  try {
    for (const target of await listTargets(pool, id, { endedOnly: true })) tell(target)
    const row = await findRun(pool, id)
    replayed = true
    if (row?.state === 'done') {
      // Targets that ended between the two readings.
      for (const target of await listTargets(pool, id, { endedOnly: true })) tell(target)
      finish(summaryOf(row))
    } else for (const event of early) event()
  } catch (error) {
    request.log.warn({ err: error }, 'the events of a run could not be read; the reader comes back')
    stream.end()
  }
}

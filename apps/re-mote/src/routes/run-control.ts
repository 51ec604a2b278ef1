import { Id, RetryRun, Run } from '@re-ops/protocols'
import { HttpProblem, idempotencyKey, type App } from '@re-ops/service'
import { Type } from 'typebox'
import { retryRun } from '../services/retry.ts'
import { shownRollout } from '../services/rollout.ts'
import { markPaused } from '../store/run-control.ts'
import { findRun, runOf } from '../store/runs.ts'
import type { RouteDeps } from './deps.ts'
import { noSuchRun, within } from './runs.ts'

const Params = Type.Object({ id: Id })
const summaries = {
  pause: 'Let no other host of a run with turns begin, until it is resumed; its deadline goes on',
  resume: 'Let the hosts of a paused run begin again',
} as const

/** What is asked of runs that exist, beyond cancelling them. */
export const addRunControl = (app: App, { pool, driver, runs }: RouteDeps): void => {
  const found = async (id: string) => {
    const row = await findRun(pool, id)
    if (!row) throw noSuchRun(id)
    return row
  }
  for (const verb of ['pause', 'resume'] as const)
    app.post(
      `/v1/runs/:id/${verb}`,
      {
        config: { scope: 'runs:write' },
        schema: { summary: summaries[verb], params: Params, response: { 202: Run } },
      },
      async ({ params }, reply) => {
        const { state } = await found(params.id)
        const paused = verb === 'pause'
        if (!(await markPaused(pool, params.id, paused)))
          throw new HttpProblem(
            409,
            'no-turns',
            'Nothing to hold back',
            state === 'done'
              ? `run ${params.id} has ended`
              : `run ${params.id} began on all its hosts at once; only runs with batch, serial, concurrency or canary hold hosts back`,
          )
        driver.pause(params.id, paused)
        const row = await found(params.id)
        return reply.code(202).send({ ...runOf(row), ...(await shownRollout(pool, row)) })
      },
    )
  app.post(
    '/v1/runs/:id/retry',
    {
      config: { scope: 'runs:write' },
      schema: {
        summary: 'Run the same again (pipeline, code, rules) on the hosts of a run that failed',
        params: Params,
        body: RetryRun,
        querystring: Type.Object({
          wait: Type.Optional(Type.Number({ minimum: 0, maximum: 60, description: 'seconds to wait for its end' })),
        }),
        response: { 201: Run, 202: Run },
      },
    },
    async (request, reply) => {
      const row = await found(request.params.id)
      const by = { subject: request.caller.subject, requestId: request.id, key: idempotencyKey(request) }
      const { run, ended } = await retryRun(runs, { row, asked: request.body, ...by })
      const done = await within(ended, (request.query.wait ?? 0) * 1000)
      return done?.targets ? reply.code(201).send(done) : reply.code(202).send(done ?? run)
    },
  )
}

import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { streamNames, type Part } from '@re-ops/outputs'
import { Id } from '@re-ops/protocols'
import { HttpProblem, type App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ReadFrom } from '../services/outputs.ts'
import { findTargetCall } from '../store/runs.ts'
import type { RouteDeps } from './deps.ts'

const Flag = Type.Union([Type.Literal('true'), Type.Literal('false')])
const endHeader = 'x-output-end'
/** How long without an event until the rows are asked: those of another service's run, and what an agent begins after it said so. */
const lookEveryMs = 1_000

/** What the process of a target wrote, as bytes: while it runs, and afterwards when it is longer than its result. */
export const addOutputs = (app: App, deps: RouteDeps): void => {
  app.get(
    '/v1/runs/:id/output/:host',
    {
      config: { scope: 'runs:read' },
      schema: {
        summary: `What the command of a target writes or wrote, as it comes. ${endHeader} (whole, cut) is there when nothing follows; ask again with \`at\` behind the last byte to learn it`,
        params: Type.Object({ id: Id, host: Type.String({ minLength: 1, maxLength: 63, description: 'name or id' }) }),
        querystring: Type.Object({
          stream: Type.Optional(Type.Enum([...streamNames], { description: 'default stdout' })),
          at: Type.Optional(Type.Integer({ minimum: 0, description: 'bytes to leave out; default 0' })),
          follow: Type.Optional(
            Type.Union([...Flag.anyOf], { description: 'wait for what is not written yet; default true' }),
          ),
        }),
      },
    },
    async ({ params, query }, reply) => {
      const { stream = 'stdout', at = 0, follow = 'true' } = query
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const wanted = { stream, at, follow: follow === 'true' }
      const { first, rest } = await begin(deps, params, wanted, gone.signal)
      if (first?.end !== undefined) void reply.header(endHeader, first.end)
      void reply.header('cache-control', 'no-store').type('application/octet-stream')
      return reply.send(Readable.from(bytesOf(first, rest), { objectMode: false }))
    },
  )
}

type Wanted = Pick<ReadFrom, 'stream' | 'at' | 'follow'>
type Begun = { readonly first: Part | undefined; readonly rest: AsyncGenerator<Part> }

/** The first part decides what is answered. A call that has not reached its host yet is waited for. */
const begin = async (
  { pool, hub, outputs }: Pick<RouteDeps, 'pool' | 'hub' | 'outputs'>,
  { id, host }: { readonly id: string; readonly host: string },
  wanted: Wanted,
  signal: AbortSignal,
): Promise<Begun> => {
  const moves = watchRun(hub, id)
  try {
    for (;;) {
      const moved = moves.next()
      const target = await findTargetCall(pool, id, host)
      if (!target) throw noTarget(id, host)
      const { call, ended } = target
      if (call !== null) {
        const rest = outputs.read({ ...target, call, ...wanted }, signal)
        const { value: first } = await rest.next()
        if (first?.end !== 'gone') return { first, rest }
      }
      if (ended) throw notKept('what is no longer than its result is there alone')
      if (!wanted.follow) throw notKept('its command has not begun')
      moves.only(target.host)
      await Promise.race([moved, pause(lookEveryMs, undefined, { signal })])
    }
  } finally {
    moves.stop()
  }
}

/** Says when a run moves: when one of its hosts begins a call or ends, or all have; of one host alone, once it is known. */
const watchRun = ({ listenToRun }: Pick<RouteDeps['hub'], 'listenToRun'>, run: string) => {
  let move = Promise.withResolvers<void>()
  let only: string | undefined
  const on = (host: string) => {
    if (only === undefined || only === host) move.resolve()
  }
  const stop = listenToRun(run, { target: ({ host }) => on(host.id), began: on, done: () => move.resolve() })
  return {
    /** Resolves with the first move from now on. */
    next: (): Promise<void> => {
      move = Promise.withResolvers()
      return move.promise
    },
    only: (host: string): void => {
      only = host
    },
    stop,
  }
}

async function* bytesOf(first: Part | undefined, rest: AsyncGenerator<Part>): AsyncGenerator<Uint8Array> {
  if (first && first.bytes.length > 0) yield first.bytes
  for await (const { bytes } of rest) if (bytes.length > 0) yield bytes
}

const noTarget = (run: string, host: string) =>
  new HttpProblem(
    404,
    'no-such-target',
    'No such target',
    `run ${run} has no host ${JSON.stringify(host)}; GET /v1/runs/${run} lists them`,
  )
const notKept = (why: string) =>
  new HttpProblem(404, 'output-not-kept', 'Output is not kept', `no output of its own is kept of this target: ${why}`)

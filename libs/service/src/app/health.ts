import type { FastifyInstance } from 'fastify'
import { redactText } from '../redact.ts'

/** One question per dependency: resolves when it can be used, rejects with why not. */
export type ReadyChecks = Readonly<Record<string, () => Promise<void>>>
const checkWithinMs = 2000

const answer = async (check: () => Promise<void>): Promise<string> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(() => resolve(`no answer within ${checkWithinMs} ms`), checkWithinMs)
  })
  const asked = check().then(
    () => 'ok',
    (error: unknown) => redactText(error instanceof Error ? error.message || error.name : String(error)),
  )
  return Promise.race([asked, late]).finally(() => clearTimeout(timer))
}

/** Who asks while a check is under way gets its answer: a flood of questions, which need no token, is one to each dependency. */
const shared = (check: () => Promise<void>): (() => Promise<string>) => {
  let underWay: Promise<string> | undefined
  return () => (underWay ??= answer(check).finally(() => (underWay = undefined)))
}

/** `/health`: the process answers. `/ready`: every dependency can be used, or 503 and why not, one by one. */
export const addHealth = (
  app: FastifyInstance,
  about: { name: string; version: string },
  checks: ReadyChecks,
): void => {
  const asks = Object.entries(checks).map(([name, check]) => [name, shared(check)] as const)
  const options = { config: { scope: 'public' as const }, schema: { hide: true } }
  app.get('/health', options, async () => ({
    status: 'ok',
    ...about,
    pid: process.pid,
    uptimeSeconds: process.uptime(),
  }))
  app.get('/ready', options, async (_request, reply) => {
    const entries = await Promise.all(asks.map(async ([name, ask]) => [name, await ask()] as const))
    const ready = entries.every(([, state]) => state === 'ok')
    return reply.code(ready ? 200 : 503).send({ ready, checks: Object.fromEntries(entries) })
  })
}

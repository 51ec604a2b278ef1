import { randomUUID } from 'node:crypto'
import { realClock, type Clock } from '../shared/clock.ts'
import { makeFaults, type Faults } from '../shared/faults.ts'
import { json, serve, type Asked, type Reply } from '../shared/serve.ts'
import { accountRoutes } from './accountRoutes.ts'
import { makeCloud, Refusal, type Cloud, type Delays } from './cloud.ts'
import { dropletRoutes } from './dropletRoutes.ts'
import { firewallRoutes } from './firewallRoutes.ts'
import type { Gate } from './gate.ts'
import { makeQuota, ownLimits, type RateLimits } from './quota.ts'
import { findRoute } from './route.ts'
import { volumeRoutes } from './volumeRoutes.ts'

/** An answer that a fault gives in place of the stand-in's own. */
export type Said = {
  readonly status: number
  readonly id?: string
  readonly message?: string
  readonly headers?: Readonly<Record<string, string>>
}
export type FakeOptions = {
  readonly clock?: Clock
  /** Each token is an account of its own. */
  readonly tokens?: readonly string[]
  readonly delays?: Partial<Delays>
  readonly limits?: RateLimits
  /** The gate to go through; made by `startGate`. None: straight to the stand-in. */
  readonly gate?: Gate
  /** Told of every change of a machine's power. */
  readonly onState?: Cloud['onState']
}
export type FakeDigitalOcean = {
  readonly url: string
  readonly clock: Clock
  readonly faults: Faults<Said>
  readonly token: string
  /** Everything of an account; of the first one when none is named. */
  cloud(token?: string): Cloud
  /** How many requests were refused because there were too many. */
  throttled(): number
  /** What may not be done with a token, by action: 403. */
  readonly denied: Set<string>
  /** Tokens that are no longer good: 401. */
  readonly revoked: Set<string>
  stop(): Promise<void>
}

/** Names of all that it can do, for faults. */
export const actionNames = (): readonly string[] => routes.map(one => one.action)
const routes = [...dropletRoutes, ...volumeRoutes, ...firewallRoutes, ...accountRoutes]
const refusal = ({ status, id, message }: Refusal, headers: Readonly<Record<string, string>>) =>
  json(status, { id, message, request_id: randomUUID() }, headers)

const pathOf = (asked: Asked): URL => new URL(asked.path, 'http://stand-in')
const actionOf = (asked: Asked): string =>
  findRoute(routes, asked.method, pathOf(asked).pathname)?.route.action ?? 'unknown'

type State = Pick<FakeDigitalOcean, 'denied' | 'revoked'> & {
  throttled: number
  readonly accounts: ReadonlyMap<string, { readonly cloud: Cloud; readonly count: ReturnType<typeof makeQuota> }>
  readonly base: () => string
}

/** Does one request: who asks, how often, what. */
const apply = (state: State, asked: Asked): Reply => {
  const token = /^bearer (.+)$/i.exec(asked.headers['authorization'] ?? '')?.[1] ?? ''
  const account = state.accounts.get(token)
  if (account === undefined || state.revoked.has(token))
    return refusal(new Refusal(401, 'unauthorized', 'Unable to authenticate you'), {})
  const { headers, refused } = account.count()
  if (refused) {
    state.throttled += 1
    return refusal(new Refusal(429, 'too_many_requests', 'API Rate limit exceeded.'), headers)
  }
  const url = pathOf(asked)
  const found = findRoute(routes, asked.method, url.pathname)
  try {
    if (found === null) throw new Refusal(404, 'not_found', `the stand-in has no ${asked.method} ${url.pathname}`)
    if (state.denied.has(found.route.action))
      throw new Refusal(403, 'forbidden', 'You are not authorized to perform this operation')
    const body = asked.body.length === 0 ? {} : (JSON.parse(asked.body.toString()) as Record<string, unknown>)
    const { cloud } = account
    const answer = found.route.handle({
      cloud,
      params: found.params,
      query: url.searchParams,
      body,
      base: state.base(),
    })
    return json(answer.status, answer.body, headers)
  } catch (error) {
    if (error instanceof Refusal) return refusal(error, headers)
    throw error
  }
}

const standardDelays: Delays = { createMs: 0, actMs: 0, tagMs: 0, listMs: 0, showMs: 0 }

/**
 * DigitalOcean's API with its state in memory, on a free port of loopback. What breaks on the way (faults) breaks before
 * the gate, so prism never sees it.
 */
export const startFakeDigitalOcean = async (options: FakeOptions = {}): Promise<FakeDigitalOcean> => {
  const { clock = realClock(), tokens = ['fake-token'], limits = ownLimits, gate } = options
  const id = randomUUID()
  const faults = makeFaults<Said>()
  const delays = { ...standardDelays, ...options.delays }
  const accounts = new Map(
    tokens.map(
      token =>
        [token, { cloud: makeCloud(clock, { ...delays }, options.onState), count: makeQuota(clock, limits) }] as const,
    ),
  )
  let url = ''
  const state: State = { throttled: 0, accounts, denied: new Set(), revoked: new Set(), base: () => url }
  const close = gate?.open(id, asked => apply(state, asked))
  const server = await serve<Said>({
    clock,
    mishap: asked => faults.take(actionOf(asked), clock.now()),
    apply: asked => (gate === undefined ? apply(state, asked) : gate.through(id, asked)),
    applyLate: asked => void apply(state, asked),
    refuse: ({ status, id: word = 'server_error', message = 'Unexpected server-side error', headers = {} }) =>
      refusal(new Refusal(status, word, message), headers),
  })
  ;({ url } = server)
  return {
    url,
    clock,
    faults,
    token: tokens[0] ?? '',
    throttled: () => state.throttled,
    denied: state.denied,
    revoked: state.revoked,
    cloud: (token = tokens[0] ?? '') => {
      const account = accounts.get(token)
      if (account === undefined) throw new Error('no account has this token')
      clock.settle()
      return account.cloud
    },
    stop: async () => {
      close?.()
      await server.stop()
    },
  }
}

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Problem, Scope } from '@re-ops/protocols'
import { generateKeyPairSync } from 'node:crypto'
import { connect } from 'node:net'
import { Type } from 'typebox'
import { makeLog } from '../log.ts'
import { HttpProblem } from '../problem.ts'
import { makeTokenSigner, makeTokenVerifier } from '../tokens.ts'
import { openEvents, type EventStream } from './events.ts'
import { makeApp } from './make-app.ts'
import { makeMetrics } from './metrics.ts'
import type { App } from './types.ts'

const keys = generateKeyPairSync('ed25519')
const strangerKeys = generateKeyPairSync('ed25519')
const signer = makeTokenSigner(keys)
const canary = 'canary-5f1c2e'
const lines: string[] = []
const log = makeLog({ service: 'test', level: 'debug', destination: { write: line => void lines.push(line) } })
const newApp = (limits = {}): Promise<App> =>
  makeApp({
    name: 'test',
    version: '1.2.3',
    log,
    verifier: makeTokenVerifier(keys),
    metrics: makeMetrics({ service: 'test' }),
    ready: { fine: async () => undefined, broken: () => Promise.reject(new Error('broken on purpose')) },
    limits,
  })

let app: App
let base: string
let streams: EventStream[]
const tokenOf = async (...scopes: Scope[]): Promise<string> => (await signer.sign({ subject: 'someone', scopes })).token
type Ask = { method?: string; token?: string; body?: string; headers?: Record<string, string> }
const ask = async (path: string, { method = 'GET', token, body, headers = {} }: Ask = {}) => {
  const response = await fetch(base + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: (isJson ? JSON.parse(text) : null) as Problem,
  }
}

beforeAll(async () => {
  streams = []
  app = await newApp()
  const Body = Type.Object(
    {
      name: Type.String({ minLength: 2 }),
      count: Type.Optional(Type.Integer({ minimum: 1 })),
      labels: Type.Optional(Type.Record(Type.String(), Type.String())),
    },
    { additionalProperties: false },
  )
  app.post(
    '/v1/things',
    { config: { scope: 'systems:write' }, schema: { body: Body, tags: ['things'] } },
    async request => ({
      got: request.body,
      by: request.caller.subject,
    }),
  )
  app.get(
    '/v1/things/:id',
    {
      config: { scope: 'systems:read' },
      schema: {
        params: Type.Object({ id: Type.Integer() }),
        querystring: Type.Object({ wait: Type.Integer({ default: 7, maximum: 60 }) }),
      },
    },
    async request => ({ id: request.params.id, wait: request.query.wait }),
  )
  app.get('/v1/bug', { config: { scope: 'public' } }, async () => {
    throw new Error(`it holds ${canary}`)
  })
  app.get('/v1/refused', { config: { scope: 'public' } }, async () => {
    throw new HttpProblem(422, 'no-luck', 'No luck', 'try another', {
      errors: [{ path: '/on', message: 'is unlucky' }],
    })
  })
  app.get('/v1/away', { config: { scope: 'public' } }, async () => {
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  })
  app.get('/v1/rare', { config: { scope: 'public', rateLimit: { max: 2, windowMs: 60_000 } } }, async () => 'ok')
  app.get('/v1/stream', { config: { scope: 'public' } }, async (request, reply) => {
    streams.push(openEvents(request, reply))
  })
  base = await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())

describe('who may do what', () => {
  test('without a token, or with one that is not ours, it is 401 and says how', async () => {
    const stranger = (await makeTokenSigner(strangerKeys).sign({ subject: 'x', scopes: ['admin'] })).token
    const none = await ask('/v1/things/1')
    expect(none.status).toBe(401)
    expect(none.headers.get('www-authenticate')).toBe('Bearer')
    expect(none.body).toMatchObject({ type: 'about:blank#unauthorised', status: 401 })
    for (const token of [stranger, 'garbage', 'a.b.c']) {
      const answer = await ask('/v1/things/1', { token })
      expect([answer.status, answer.text.includes(token)]).toEqual([401, false])
    }
  })

  test('an expired token says so', async () => {
    const { token } = await signer.sign({ subject: 'x', scopes: ['admin'], ttlMs: 1000 })
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number }
    const deadline = payload.exp * 1000 + 3000
    let answer = await ask('/v1/things/1', { token })
    while (answer.status !== 401 && Date.now() < deadline) answer = await ask('/v1/things/1', { token })
    expect(answer.body.detail).toContain('expired')
  })

  test('too small a scope is 403 naming the one that is needed; write includes read, admin includes all', async () => {
    const small = await ask('/v1/things/1', { token: await tokenOf('runs:write') })
    expect(small.body).toMatchObject({ status: 403, type: 'about:blank#forbidden' })
    expect(small.body.detail).toContain('systems:read')
    for (const scope of ['systems:read', 'systems:write', 'admin'] as const) {
      expect((await ask('/v1/things/1', { token: await tokenOf(scope) })).status).toBe(200)
    }
    const read = { method: 'POST', body: '{"name":"abc"}', token: await tokenOf('systems:read') }
    expect((await ask('/v1/things', read)).status).toBe(403)
  })

  test('a route that does not say its scope cannot be registered', async () => {
    const other = await newApp()
    expect(() => other.get('/v1/open', async () => 'oops')).toThrow(/\/v1\/open.*config\.scope/)
    expect(() => other.get('/v1/typo', { config: { scope: 'hosts:raed' as Scope } }, async () => 'oops')).toThrow(
      /hosts:raed/,
    )
    await other.close()
  })

  test('guessing tokens is slowed down', async () => {
    const other = await newApp({ failures: { max: 3, windowMs: 60_000 } })
    other.get('/v1/secret', { config: { scope: 'admin' } }, async () => 'in')
    const statuses: number[] = []
    for (let n = 0; n < 5; n++)
      statuses.push((await other.inject({ url: '/v1/secret', headers: { authorization: 'Bearer x.y.z' } })).statusCode)
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    await other.close()
  })
})

describe('bad requests are problems that say what, where and what is allowed', () => {
  const post = async (body: string, headers = {}) =>
    ask('/v1/things', { method: 'POST', token: await tokenOf('admin'), body, headers })

  test('malformed JSON', async () => {
    const answer = await post('{"name": "abc",,}')
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    expect(answer.body).toMatchObject({
      status: 400,
      type: 'about:blank#malformed-json',
      errors: [{ path: '/body', message: 'must be valid JSON' }],
    })
  })
  test('empty body and other media types', async () => {
    expect((await post('')).body).toMatchObject({ status: 400, type: 'about:blank#malformed-json' })
    expect((await post('name=abc', { 'content-type': 'text/csv' })).body).toMatchObject({ status: 415 })
  })
  test('a wrong type, a missing field and an unknown field have their paths, and values are not repeated', async () => {
    const wrong = await post(JSON.stringify({ name: 'abc', count: canary }))
    expect(wrong.body).toMatchObject({
      status: 400,
      type: 'about:blank#invalid-body',
      errors: [{ path: '/body/count', message: 'must be integer' }],
    })
    expect(wrong.body.detail).toContain('/body/count')
    expect(wrong.text).not.toContain(canary)
    expect((await post('{}')).body.detail).toContain('name')
    expect((await post('{"name":"abc","colour":1}')).status).toBe(400)
    expect((await post('{"name":"abc","labels":{"role":1}}')).body.errors).toEqual([
      { path: '/body/labels/role', message: 'must be string' },
    ])
    expect((await post('{"name":"abc","__proto__":{"admin":true}}')).status).toBe(400)
  })
  test('the path and the query are converted and checked', async () => {
    const token = await tokenOf('admin')
    expect((await ask('/v1/things/12', { token })).body).toEqual({ id: 12, wait: 7 })
    expect((await ask('/v1/things/abc', { token })).body.errors?.[0]?.path).toBe('/params/id')
    expect((await ask('/v1/things/1?wait=99', { token })).body.errors?.[0]?.path).toBe('/query/wait')
  })
  test('10 MB is 413 and the service stays well', async () => {
    const big = await post(JSON.stringify({ name: 'x'.repeat(10_000_000) }))
    expect(big.status).toBe(413)
    expect(big.body.detail).toContain('1048576')
    expect((await ask('/health')).status).toBe(200)
  })
  test('no such route', async () => {
    expect((await ask('/v1/nothing?token=x')).body).toMatchObject({
      status: 404,
      type: 'about:blank#no-route',
      detail: expect.stringContaining('GET /v1/nothing;'),
    })
  })
  test.each([
    ['no HTTP', 400, 'POST /a b HTTP/1.1\r\nhost: a\r\ncontent-length: 5000000\r\n\r\n'],
    ['endless headers', 431, 'GET / HTTP/1.1\r\nhost: a\r\nx: '],
  ])('%s is %i also for a client that reads only when it has sent 5 MB', async (_, status, head) => {
    const socket = connect(Number(new URL(base).port), '127.0.0.1').pause()
    let answer = ''
    const closed = new Promise<void>((resolve, reject) => socket.on('close', () => resolve()).on('error', reject))
    socket.setEncoding('utf8').on('data', chunk => (answer += chunk))
    socket.write(Buffer.concat([Buffer.from(head), Buffer.alloc(5_000_000, 120)]), () => socket.resume())
    await closed
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status })
  })
  test('garbage instead of HTTP closes that connection only', async () => {
    const { port } = new URL(base)
    await new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write('\0\x01\x02 not http\r\n\r\n'))
      socket
        .on('close', () => resolve())
        .on('error', reject)
        .resume()
    })
    expect((await ask('/health')).status).toBe(200)
  })
})

describe('errors of ours', () => {
  test('a problem is answered as it is thrown', async () => {
    expect((await ask('/v1/refused')).body).toMatchObject({
      status: 422,
      type: 'about:blank#no-luck',
      title: 'No luck',
      errors: [{ path: '/on' }],
    })
  })
  test('a bug is 500 with the request id and without its message', async () => {
    const answer = await ask('/v1/bug', { headers: { 'x-request-id': 'my-request-1' } })
    expect(answer.body).toMatchObject({ status: 500, instance: 'my-request-1' })
    expect(answer.text).not.toContain(canary)
    expect(answer.headers.get('x-request-id')).toBe('my-request-1')
    expect(lines.filter(line => line.includes('"requestId":"my-request-1"')).length).toBeGreaterThanOrEqual(2)
  })
  test('Postgres away is 503 with retry-after', async () => {
    const answer = await ask('/v1/away')
    expect([answer.status, answer.headers.get('retry-after'), answer.body.type]).toEqual([
      503,
      '1',
      'about:blank#database-unavailable',
    ])
  })
  test('a request id that could harm a log is replaced', async () => {
    const id = (await ask('/health', { headers: { 'x-request-id': 'a b{}"' } })).headers.get('x-request-id')
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })
})

test('the limit of a route is 429 with retry-after, for that route alone', async () => {
  const statuses = [await ask('/v1/rare'), await ask('/v1/rare'), await ask('/v1/rare')]
  expect(statuses.map(s => s.status)).toEqual([200, 200, 429])
  expect(Number(statuses[2]?.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await ask('/health')).status).toBe(200)
})

test('health, readiness, metrics, OpenAPI and its page', async () => {
  expect((await ask('/health')).body).toMatchObject({ status: 'ok', name: 'test', version: '1.2.3' })
  const ready = await ask('/ready')
  expect([ready.status, ready.body]).toEqual([
    503,
    { ready: false, checks: { fine: 'ok', broken: 'broken on purpose' } },
  ])
  const { text } = await ask('/metrics')
  expect(text).toMatch(
    /http_request_duration_seconds_count\{service="test",method="GET",route="\/health",status="200"\} \d/,
  )
  expect(text).toContain('nodejs_eventloop_lag_seconds')
  expect(text).not.toContain('/v1/nothing')
  const spec = (await ask('/v1/openapi.json')).body as unknown as {
    paths: Record<string, Record<string, { security: unknown; description: string }>>
  }
  expect(Object.keys(spec.paths)).toContain('/v1/things/{id}')
  expect(spec.paths['/v1/things']?.['post']).toMatchObject({ security: [{ token: ['systems:write'] }] })
  const page = await ask('/docs')
  expect(page.text).toContain('/v1/openapi.json')
  expect(page.text).not.toMatch(/(src|href)="https?:/)
})

describe('event streams', () => {
  test('events arrive with ids, the end is seen on both sides', async () => {
    const response = await fetch(`${base}/v1/stream`, { headers: { 'x-request-id': 'stream-0001' } })
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    expect(response.headers.get('x-request-id')).toBe('stream-0001')
    const stream = streams.at(-1)
    expect(stream?.send('host', { text: 'two\nlines' }, '7')).toBe(true)
    stream?.end()
    expect(await response.text()).toBe('id: 7\nevent: host\ndata: {"text":"two\\nlines"}\n\n')
    expect(stream?.send('host', {})).toBe(false)
  })
  test('a reader that goes away ends the stream', async () => {
    const gone = new AbortController()
    await fetch(`${base}/v1/stream`, { signal: gone.signal })
    const stream = streams.at(-1) as EventStream
    const closed = new Promise(resolve => stream.closed.addEventListener('abort', resolve))
    gone.abort()
    await closed
  })
  test('a reader that reads nothing is cut off at the limit', async () => {
    const response = await fetch(`${base}/v1/stream`)
    const stream = streams.at(-1) as EventStream
    const block = 'x'.repeat(1_000_000)
    let sent = 0
    while (stream.send('host', block) && sent < 100) sent += 1
    expect(sent).toBeLessThan(20)
    await expect(response.text()).rejects.toThrow()
  })
  test('closing the app ends open streams', async () => {
    const other = await newApp()
    other.get('/v1/stream', { config: { scope: 'public' } }, async (request, reply) => void openEvents(request, reply))
    const response = await fetch(`${await other.listen({ host: '127.0.0.1', port: 0 })}/v1/stream`)
    await other.close()
    expect(await response.text()).toBe('')
  })
})

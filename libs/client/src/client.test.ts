import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from '@jest/globals'
import { ClientError, makeClient, type ClientConfig } from './index.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const client = (moteUrl: string, more: Partial<ClientConfig> = {}) =>
  makeClient({ moteUrl, coreUrl: moteUrl, token: 'not-for-eyes', retryDelayMs: 1, ...more })
const json = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
const text = async (request: IncomingMessage) => {
  let all = ''
  for await (const chunk of request) all += String(chunk)
  return all
}
const failure = async (promise: Promise<unknown>): Promise<ClientError> => {
  const error: unknown = await promise.then(
    () => new Error('it succeeded'),
    (error: unknown) => error,
  )
  if (!(error instanceof ClientError)) throw error
  return error
}
const summary = { run: 'r1', expected: 2, ok: 2, failed: 0, failures: {} }
const run = { id: 'r1', on: '*', state: 'running', summary }
const target = (id: string) => ({ host: { id, name: id }, state: 'ok', step: 'ping', ms: 1, value: null })

test('the results of a run are an async iterable that `reduce` takes; lost connections leave no gap', async () => {
  let asked = 0
  const url = await serve((request, response) => {
    asked += 1
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const say = (event: string, data: unknown) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    const failure = { kind: 'exit', message: 'no', step: 'ping' }
    for (const one of ['a', 'b'].slice(0, asked)) say('target', target(one))
    if (asked === 1) return void setTimeout(() => request.socket.destroy(), 20)
    say('target', { ...target('c'), state: 'exit', failure })
    say('done', summary)
    return undefined
  })
  const results = []
  for await (const result of client(url).mote.results('r1')) results.push(result)
  expect(results.map(result => [result.host.id, result.ok])).toEqual([
    ['a', true],
    ['b', true],
    ['c', false],
  ])
  expect(asked).toBe(2)
})

test('targets are read page by page, until one is empty', async () => {
  const pages: Record<string, string[]> = { '': ['a', 'b'], b: ['c'], c: [] }
  const url = await serve((request, response) => {
    const after = new URL(request.url ?? '', 'http://x').searchParams.get('after') ?? ''
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(pages[after]?.map(target)))
  })
  const names: string[] = []
  for await (const { host } of client(url).mote.targets('r1')) names.push(host.name)
  expect(names).toEqual(['a', 'b', 'c'])
})

test('aggregates of a run are asked for without its targets, and end with the one that is done', async () => {
  const paths: unknown[] = []
  const url = await serve((request, response) => {
    paths.push(request.url)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const [n, state] of ['running', 'done'].entries())
      response.write(
        `event: aggregate\ndata: ${JSON.stringify({ run: 'r1', state, ok: n, failures: {}, expected: 2 })}\n\n`,
      )
  })
  const states = []
  for await (const one of client(url).mote.aggregates('r1', { by: 'os.id', of: 'n:sum' })) states.push(one.state)
  expect(states).toEqual(['running', 'done'])
  expect(paths).toEqual(['/v1/runs/r1/events?by=os.id&of=n%3Asum&aggregate=true&targets=false'])
})

describe('requests', () => {
  test('a creating POST whose reply is lost is sent again with the same key and body', async () => {
    const seen: string[] = []
    const url = await serve((request, response) => {
      void text(request).then(body => {
        seen.push(
          `${request.method} ${String(request.headers['idempotency-key'])} ${request.headers.authorization} ${body}`,
        )
        if (seen.length < 3) request.socket.destroy()
        else json(response, 202, run)
      })
    })
    expect(await client(url).mote.createRun({ on: '*', pipeline: {} })).toEqual(run)
    expect(seen).toHaveLength(3)
    expect(new Set(seen).size).toBe(1)
    expect(seen[0]).toMatch(/^POST [0-9a-f-]{36} Bearer not-for-eyes \{"on":"\*"/)
  })

  test('two creations have two keys; a given key is used', async () => {
    const keys: unknown[] = []
    const url = await serve((request, response) => {
      keys.push(request.headers['idempotency-key'])
      json(response, 202, run)
    })
    const { mote } = client(url)
    await mote.createRun({ on: '*', pipeline: {} })
    await mote.createRun({ on: '*', pipeline: {} })
    await mote.createRun({ on: '*', pipeline: {} }, { key: 'mine' })
    expect(new Set(keys).size).toBe(3)
    expect(keys[2]).toBe('mine')
  })

  test('503 is tried again, after what retry-after says; then it is unreachable', async () => {
    let asked = 0
    const problem = { type: 'about:blank#database', title: 'Unavailable', status: 503, detail: 'database is away' }
    const url = await serve((_, response) => {
      asked += 1
      response.setHeader('retry-after', '0')
      if (asked === 3) json(response, 200, [])
      else json(response, 503, problem)
    })
    expect(await client(url).mote.hosts()).toEqual([])
    asked = 10
    const error = await failure(client(url, { retriesMax: 2 }).mote.hosts())
    expect(asked).toBe(13)
    expect(error).toMatchObject({ kind: 'unreachable', status: 503, problemKind: 'database' })
    expect(error.message).toContain('database is away')
  })

  test('nothing listening is unreachable and names service, address and reason, not the token', async () => {
    const error = await failure(client('http://127.0.0.1:9', { retriesMax: 1 }).mote.hosts())
    expect(error.kind).toBe('unreachable')
    expect(error.message).toMatch(/^re-mote at http:\/\/127\.0\.0\.1:9 is unreachable: /)
    expect(JSON.stringify(error) + error.message).not.toContain('not-for-eyes')
    expect((await failure(makeClient({ token: '' }).core.systems())).message).toBe(
      'no address of re-core is configured',
    )
  })

  test.each([
    [401, 'denied'],
    [403, 'denied'],
    [400, 'problem'],
    [409, 'problem'],
    [422, 'problem'],
    [500, 'problem'],
  ] as const)('a problem with status %d is %s, not repeated, and says the detail', async (status, kind) => {
    let asked = 0
    const url = await serve((_, response) => {
      asked += 1
      json(response, status, { type: 'about:blank#some-kind', title: 'No', status, detail: 'what, where, allowed' })
    })
    const error = await failure(client(url).mote.hosts())
    expect(error).toMatchObject({ kind, status, problemKind: 'some-kind' })
    expect(error.message).toContain('what, where, allowed')
    expect(asked).toBe(1)
  })

  test.each([
    ['a page', 200, '<html>hello</html>'],
    ['another shape', 200, '[{"id":1}]'],
    ['no list', 200, '{}'],
    ['404 of another server', 404, 'nope'],
    ['too much', 200, `["${'x'.repeat(5000)}"]`],
  ])('%s is malformed', async (_, status, body) => {
    const url = await serve((_, response) => {
      response.writeHead(status).end(body)
    })
    expect((await failure(client(url, { bodyBytesMax: 4096 }).mote.hosts())).kind).toBe('malformed')
  })

  test('a service that does not answer is given up after the timeout; an abort throws its reason', async () => {
    const url = await serve(() => undefined)
    const error = await failure(client(url, { timeoutMs: 30 }).core.systems())
    expect(error).toMatchObject({ kind: 'unreachable' })
    expect(error.message).toContain('no answer within 30 ms')
    const stop = new AbortController()
    const asked = client(url).core.systems({ signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
  })

  test('a token may be asked for anew before every request', async () => {
    const seen: unknown[] = []
    const url = await serve((request, response) => {
      seen.push(request.headers.authorization)
      json(response, 200, [])
    })
    let n = 0
    const { mote } = client(url, { token: () => `t${(n += 1)}` })
    await mote.hosts()
    await mote.hosts()
    expect(seen).toEqual(['Bearer t1', 'Bearer t2'])
  })
})

describe('events', () => {
  const sse = (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    return (event: string, data: unknown) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }

  test('each target of a run comes once and `done` ends it, over broken connections', async () => {
    let connections = 0
    const url = await serve((request, response) => {
      connections += 1
      if (connections === 2) return void request.socket.destroy()
      const say = sse(response)
      response.write(': keep-alive\n\n')
      say('target', target('a'))
      if (connections === 1) return void setImmediate(() => response.destroy())
      say('target', target('b'))
      say('done', summary)
    })
    const seen: string[] = []
    for await (const event of client(url).mote.runEvents('r1'))
      seen.push(event.event === 'target' ? event.data.host.id : event.event)
    expect(seen).toEqual(['a', 'b', 'done'])
    expect(connections).toBe(3)
  })

  test('followers of systems get the state again after a lost connection', async () => {
    const system = (phase: string) => ({ id: 's1', name: 'web-1', phase, phases: [], labels: {} })
    let connections = 0
    const url = await serve((request, response) => {
      if (request.url === '/v1/systems')
        return json(response, 200, [system(connections === 1 ? 'requested' : 'enrolled')])
      if (request.url === '/v1/jobs') return json(response, 200, [])
      connections += 1
      const say = sse(response)
      if (connections === 1) {
        say('system', system('booting'))
        setImmediate(() => response.end())
      } else say('system', system('ready'))
    })
    const seen: string[] = []
    for await (const event of client(url).core.events()) {
      if (event.event === 'system') seen.push(event.data.phase)
      if (seen.at(-1) === 'ready') break
    }
    expect(seen).toEqual(['requested', 'booting', 'enrolled', 'ready'])
  })

  test('a silent connection is made again, and patience ends', async () => {
    const url = await serve((_, response) => void sse(response))
    const events = client(url).mote.runEvents('r1', { idleMs: 20, reconnectForMs: 60 })
    const error = await failure(
      (async () => {
        for await (const event of events) expect(event).toBeUndefined()
      })(),
    )
    expect(error.kind).toBe('unreachable')
  })

  test('denied ends at once; an abort ends with its reason and closes the connection', async () => {
    const connection = { closed: false }
    const url = await serve((request, response) => {
      if (request.url?.includes('denied')) return json(response, 403, {})
      sse(response)('target', target('a'))
      response.on('close', () => (connection.closed = true))
    })
    const read = async (id: string, signal?: AbortSignal, onEvent = () => undefined as void) => {
      for await (const _ of client(url).mote.runEvents(id, signal ? { signal } : {})) onEvent()
    }
    expect((await failure(read('denied'))).kind).toBe('denied')
    const stop = new AbortController()
    await expect(read('r1', stop.signal, () => stop.abort(new Error('enough')))).rejects.toThrow('enough')
    for (const until = Date.now() + 5000; !connection.closed && Date.now() < until;) await new Promise(setImmediate)
    expect(connection.closed).toBe(true)
  })
})

import { spawn } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'

/** What a test's service was asked. */
export type Asked = { method: string; path: string; body: unknown; key: string | undefined; token: string | undefined }
export type Answer = { status?: number; body?: unknown; events?: readonly { event: string; data: unknown }[] }
export type Service = {
  readonly url: string
  readonly asked: Asked[]
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text === '' ? undefined : JSON.parse(text)
}

const reply = (response: ServerResponse, answer: Answer) => {
  if (answer.events) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const { event, data } of answer.events) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    return // stays open, as a service keeps it
  }
  response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(answer.body ?? null))
}

/** A service that speaks the API as far as a test needs it: over real HTTP, with answers given as data. */
export const serve = async (answers: (asked: Asked) => Answer | undefined): Promise<Service> => {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    void bodyOf(request).then(body => {
      const one: Asked = {
        method: request.method ?? '',
        path: request.url ?? '',
        body,
        key: request.headers['idempotency-key']?.toString(),
        token: request.headers.authorization,
      }
      asked.push(one)
      const missing = { type: 'about:blank#not-found', title: 'Not found', status: 404, detail: `no ${one.path}` }
      reply(response, answers(one) ?? { status: 404, body: missing })
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    return new Promise<void>(resolve => server.close(() => resolve()))
  }
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, asked, close, [Symbol.asyncDispose]: close }
}

export const problem = (status: number, kind: string, detail: string): Answer => ({
  status,
  body: { type: `about:blank#${kind}`, title: kind, status, detail },
})

export type Ended = { code: number | null; out: string; error: string }
const bin = fileURLToPath(new URL('../bin/reops.mjs', import.meta.url))
const secondsMax = 80

/** The command as a process of its own, without a terminal. `whileRunning` may send it signals. */
export const reops = (
  args: readonly string[],
  options: {
    environment?: Record<string, string>
    cwd?: string
    node?: string
    whileRunning?: (child: { kill(signal: NodeJS.Signals): void; error: () => string }) => Promise<void>
  } = {},
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(options.node ?? process.execPath, [bin, ...args], {
      cwd: options.cwd ?? tmpdir(),
      env: {
        PATH: process.env.PATH ?? '',
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        HOME: tmpdir(),
        ...options.environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let error = ''
    const late = setTimeout(() => child.kill('SIGKILL'), secondsMax * 1000)
    child.stdout.on('data', chunk => (out += String(chunk)))
    child.stderr.on('data', chunk => (error += String(chunk)))
    child.on('error', reject)
    child.on('close', code => {
      clearTimeout(late)
      resolve({ code, out, error })
    })
    options.whileRunning?.({ kill: signal => child.kill(signal), error: () => error }).catch(reject)
  })

import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { createServer as createPort } from 'node:net'
import { createInterface } from 'node:readline'
import { dirname, join } from 'node:path'

export type Prism = { readonly url: string; stop(): Promise<void> }

const startMs = 180_000
const freePort = async (): Promise<number> => {
  const server = createPort()
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise<void>(resolve => void server.close(() => resolve()))
  return port
}

/** prism's own program, as its package names it. */
const program = (): string => {
  const require = createRequire(import.meta.url)
  const file = require.resolve('@stoplight/prism-cli/package.json')
  const { bin } = require(file) as { bin: Record<string, string> }
  return join(dirname(file), bin['prism'] ?? '')
}

/**
 * The official description as a gate before the stand-in: a request or an answer that it does not allow becomes an
 * error. It takes seconds to start, so one is shared by all stand-ins of a test file.
 */
export const startPrism = async (upstream: string): Promise<Prism> => {
  const port = await freePort()
  const description = join(import.meta.dirname, 'openapi.json')
  const args = [program(), 'proxy', description, upstream, '--errors', '--port', String(port), '--host', '127.0.0.1']
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], NO_COLOR: '1', SCARF_ANALYTICS: 'false' },
  })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
  }
  const said: string[] = []
  const ready = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', line => {
      if (said.length < 200) said.push(line)
      if (line.includes('Prism is listening')) ready.resolve()
    })
  void ended.then(() => ready.reject(new Error(`prism ended: ${said.slice(-5).join(' ')}`)))
  const timer = setTimeout(() => ready.reject(new Error(`prism does not start within ${startMs} ms`)), startMs)
  try {
    await ready.promise
  } catch (error) {
    await stop()
    throw error
  } finally {
    clearTimeout(timer)
  }
  return { url: `http://127.0.0.1:${port}`, stop }
}

import { setFlagsFromString } from 'node:v8'
import { runAgent } from './agent.ts'
import type { Ask } from './ask/ask.ts'
import { askInChild } from './ask/child.ts'
import { catalogue } from './catalogue.ts'
import { readConfig } from './config.ts'
import { AgentExit, exitCodes } from './exit.ts'
import { makeLog } from './log.ts'

/** One line says why; a bug shows its stack. */
const explain = (error: unknown): number => {
  if (!(error instanceof AgentExit)) {
    process.stderr.write(`re-gent: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return exitCodes.bug
  }
  process.stderr.write(`re-gent: ${error.message.replaceAll('\n', '\nre-gent: ')}\n`)
  return error.code
}

/** In this process, which then keeps what it takes to ask; a file of its own in a bundle. */
const loadAsk = async (): Promise<Ask> =>
  ((await import(new URL('./ask/here.ts', import.meta.url).href)) as typeof import('./ask/here.ts')).askHere

const main = async (): Promise<number> => {
  const stop = new AbortController()
  for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(event, () => stop.abort())
  try {
    const config = readConfig(process.argv.slice(2), process.env)
    const ask = config.ask === 'here' ? await loadAsk() : askInChild
    await runAgent({ config, catalogue, log: makeLog(config.logLevel), ask }, stop.signal)
    return exitCodes.clean
  } catch (error) {
    return explain(error)
  } finally {
    if (process.connected) process.disconnect()
  }
}

// Under a flood of messages V8 would keep up to 128 MB for new objects and four times what lives for old ones, and not give
// it back for as long as the flood lasts. Less of it costs an agent nothing (docs/adr/0010).
for (const flag of ['--semi-space-growth-factor=1', '--heap-growing-percent=100']) setFlagsFromString(flag)

// Not awaited at the top: a bundle may then be a CommonJS file, which costs the process 2 MB less.
void main().then(code => (process.exitCode = code))

import { operationNamed } from '@re-ops/operations'
import { natives } from '@re-ops/operations/native'
import { runAgent } from './agent.ts'
import { readConfig } from './config.ts'
import type { Catalogue } from './execute.ts'
import { AgentExit, exitCodes } from './exit.ts'
import { makeLog } from './log.ts'

const stop = new AbortController()
for (const event of ['SIGTERM', 'SIGINT', 'disconnect'] as const) process.on(event, () => stop.abort())

/** One line says why; a bug shows its stack. */
const explain = (error: unknown): number => {
  if (!(error instanceof AgentExit)) {
    process.stderr.write(`re-gent: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    return exitCodes.bug
  }
  process.stderr.write(`re-gent: ${error.message.replaceAll('\n', '\nre-gent: ')}\n`)
  return error.code
}

try {
  const config = readConfig(process.argv.slice(2), process.env)
  const catalogue: Catalogue = { operationNamed, natives }
  await runAgent({ config, catalogue, log: makeLog(config.logLevel) }, stop.signal)
  process.exitCode = exitCodes.clean
} catch (error) {
  process.exitCode = explain(error)
}
if (process.channel) process.disconnect()

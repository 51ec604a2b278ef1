import { createInterface } from 'node:readline'
import { obey, statsText } from './commands.ts'
import { startFleet } from './fleet.ts'
import { readOptions, usage } from './options.ts'

const readyWithinMs = 3_600_000
const tellEveryMs = 2_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Runs a fleet until it is told to stop: by a line, Ctrl-C or SIGTERM. */
const main = async (): Promise<number> => {
  const options = readOptions(process.argv.slice(2), process.env)
  if (!options) {
    say(usage)
    return 0
  }
  const stop = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.resolve())
  const fleet = await startFleet(options)
  const from = performance.now()
  const telling = setInterval(() => say(`${fleet.live()} of ${options.agents} agents have a session`), tellEveryMs)
  const ready = fleet
    .ready(readyWithinMs)
    .then(() =>
      say(`all ${options.agents} agents have a session after ${((performance.now() - from) / 1_000).toFixed(1)} s`),
    )
    .finally(() => clearInterval(telling))
  ready.catch((error: unknown) => say(wordsOf(error)))
  const lines = createInterface({ input: process.stdin })
  lines.on('line', line => {
    if (line.trim() === 'stop') return stop.resolve()
    if (line.trim() !== '') obey(fleet, line).then(say, (error: unknown) => say(wordsOf(error)))
  })
  await stop.promise
  clearInterval(telling)
  lines.close()
  say(statsText(await fleet.stats()))
  await fleet.stop()
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`simulator: ${wordsOf(error)}\n`)
  process.exitCode = 2
}

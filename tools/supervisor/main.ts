import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { isClientError } from '@re-ops/client'
import { startCluster, type Cluster } from './cluster.ts'
import { messageOf, SupervisorError } from './fault.ts'
import { factsTable, firstRun } from './first-run.ts'
import { parseOptions, usage, type Options } from './options.ts'
import { hostNameOf } from './this-machine.ts'
import { duration } from './words.ts'

const exitCodes = { fine: 0, failed: 1, usage: 2 } as const
const repeatedSignalMs = 500
const stopLimitMs = 5_000

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const complain = (text: string): void => void process.stderr.write(`${text}\n`)

/** Aborted by the first Ctrl-C (or SIGTERM, or the end of whoever started us); a second one ends at once. */
const stopSignal = (): AbortSignal => {
  const stop = new AbortController()
  let firstAt = 0
  const ask = (): void => {
    if (stop.signal.aborted) {
      if (performance.now() - firstAt > repeatedSignalMs) process.exit(exitCodes.failed)
      return
    }
    firstAt = performance.now()
    stop.abort(new Error('asked to stop'))
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect'] as const) process.on(name, ask)
  process.channel?.unref()
  return stop.signal
}

/** The first results, where things are, what to try. Answers whether all is as it should be. */
const show = async (cluster: Cluster, once: boolean): Promise<boolean> => {
  const run = await firstRun(cluster.client)
  say('')
  for (const line of factsTable(run.targets ?? [], hostNameOf(hostname()), Date.now())) say(line)
  const { expected, ok } = run.summary
  if (once) return ok === expected && expected > 0 && cluster.systems.missing.length === 0
  say('')
  say(`  API    ${cluster.moteUrl}/docs   ${cluster.coreUrl}/docs`)
  say(`  token  ${cluster.tokenFile}`)
  say("  try:   npx reops run --on '*' -- uname -r")
  say('         npx reops systems create --name web --count 2 --type web --label role=web --wait')
  say("         npx reops run disk --on 'role=web'")
  say('  Ctrl-C stops everything.')
  return true
}

/** Resolves when asked to stop; the timer keeps the process alive meanwhile. */
const untilStopped = async (signal: AbortSignal): Promise<void> => {
  const hourMs = 3_600_000
  while (!signal.aborted)
    await wait(hourMs, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
}

const supervise = async ({ state, once }: Options, signal: AbortSignal): Promise<number> => {
  const cluster = await startCluster({ state, systems: 3, onLine: say, signal })
  let fine = true
  try {
    fine = await show(cluster, once)
    if (!once) await untilStopped(signal)
  } finally {
    const started = performance.now()
    const late = setTimeout(() => {
      complain(`not everything stopped within ${stopLimitMs / 1000} s; ending anyway`)
      process.exit(exitCodes.failed)
    }, stopLimitMs)
    await cluster.stop()
    clearTimeout(late)
    say(`\n  stopped in ${duration(performance.now() - started)}`)
  }
  return fine ? exitCodes.fine : exitCodes.failed
}

const main = async (): Promise<number> => {
  const parsed = parseOptions(process.argv.slice(2), process.env)
  if ('wrong' in parsed) {
    complain(parsed.wrong)
    return exitCodes.usage
  }
  if (parsed.ok.help) {
    process.stdout.write(usage)
    return exitCodes.fine
  }
  const signal = stopSignal()
  try {
    return await supervise(parsed.ok, signal)
  } catch (error) {
    if (signal.aborted) return exitCodes.fine
    if (error instanceof SupervisorError) for (const line of error.tail) complain(`  | ${line}`)
    else if (!isClientError(error) && error instanceof Error && error.stack) complain(error.stack)
    complain(messageOf(error))
    return exitCodes.failed
  }
}

process.exitCode = await main()
// All is stopped; should anything still hold the process, it has this long.
setTimeout(() => process.exit(), 500).unref()

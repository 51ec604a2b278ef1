import { ClientError, isClientError, type Mote, type OperationInfo } from '@re-ops/client'
import type { CreateRun, HostResult, Run, RunSummary } from '@re-ops/protocols'
import { lastOperation, missingOf, resultOf, type Missing } from '@re-ops/protocols/target'
import { controlOf, type ControlOptions } from '../arguments/control.ts'
import { durationMs } from '../arguments/duration.ts'
import { inputOf } from '../arguments/input.ts'
import { summaryAsked, type SummaryAsked, type SummaryOptions } from '../arguments/summary.ts'
import { printJsonLine, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { stepOfFile, isModulePath } from './live.ts'
import { progressText } from '../render/outcome.ts'

export type RunOptions = SummaryOptions &
  ControlOptions & {
    readonly on?: string
    readonly json?: boolean
    readonly timeout?: string
    readonly waitOnline?: string
    readonly allowNone?: boolean
    readonly detach?: boolean
  }

/** The line of one target in `--json`, as the contract for programs has it. */
export const jsonResult = (result: HostResult<unknown>) => ({
  host: result.host.name,
  id: result.host.id,
  ok: result.ok,
  ...(result.ok ? { value: result.value } : { failure: result.failure }),
  ms: result.ms,
})

const jsonMissing = ({ host, state, why }: Missing) => ({ host: host.name, id: host.id, state, why })

const unknownOperation = async (name: string, known: readonly OperationInfo[]) => {
  const { inShort, nearest } = await import('@re-ops/pipelines')
  const names = known.map(one => one.name)
  const meant = nearest(name, names)
  return usage(
    `unknown operation \`${name}\`${meant === null ? '' : `; did you mean \`${meant}\`?`} (there are ${inShort(names, name).join(', ')})`,
  )
}

const bodyOf = async (
  mote: Mote,
  words: readonly string[],
  command: readonly string[] | null,
  options: RunOptions,
): Promise<CreateRun & { on: string }> => {
  if (options.on === undefined)
    throw usage("on which hosts? give --on <selector>, for example --on 'role=web' or --on '*'")
  const [operation, ...inputs] = words
  if (command !== null && operation !== undefined)
    throw usage(`give either an operation (\`${operation}\`) or a command behind \`--\`, not both`)
  if (command?.length === 0) throw usage("no command behind `--`; for example reops run --on '*' -- uname -r")
  const limit =
    options.timeout === undefined ? {} : { timeoutMs: durationMs(options.timeout, '--timeout', { max: 86_400_000 }) }
  const patience =
    options.waitOnline === undefined
      ? {}
      : { waitOnline: durationMs(options.waitOnline, '--wait-online', { max: 86_400_000 }) }
  const none = options.allowNone === true ? { allowNone: true } : {}
  const common = { on: options.on, ...limit, ...patience, ...none, ...controlOf(options) }
  if (command !== null)
    return { ...common, pipeline: { kind: 'call', operation: 'shell', input: { argv: [...command] } } }
  if (operation === undefined)
    throw usage('run what? give an operation (`reops operations` lists them), or a command behind `--`')
  if (isModulePath(operation)) return { ...common, pipeline: await stepOfFile(mote, operation, inputs, process.cwd()) }
  if (inputs.length === 0) return { ...common, pipeline: { kind: 'call', operation } }
  const known = await mote.operations()
  const info = known.find(one => one.name === operation)
  if (!info) throw await unknownOperation(operation, known)
  return { ...common, pipeline: { kind: 'call', operation, input: inputOf(operation, info.input, inputs) } }
}

export const run = async (
  context: Context,
  words: readonly string[],
  command: readonly string[] | null,
  options: RunOptions,
): Promise<number> => {
  const asked = summaryAsked(options)
  const { mote } = await context.client()
  const body = await bodyOf(mote, words, command, options)
  if (asked) (await import('./outcome.ts')).fieldsAsked(lastOperation(body.pipeline), asked) // told before anything runs
  const create = () => mote.createRun(body).catch(explained(mote, words))
  return begin(context, mote, create, { ...options, asked })
}

/** An operation that was given no input is not looked up before it runs: when it needs some, the refusal says what, as if it had been. */
const explained =
  (mote: Mote, [operation, ...inputs]: readonly string[]) =>
  async (error: unknown): Promise<never> => {
    const isAboutInput =
      isClientError(error) && error.problem?.errors?.some(({ path }) => path.startsWith('/body/pipeline/input'))
    if (isAboutInput !== true || inputs.length > 0) throw error
    const info = (await mote.operations()).find(one => one.name === operation)
    if (info) inputOf(info.name, info.input, [])
    throw error
  }

type Shown = { readonly json?: boolean; readonly detach?: boolean; readonly asked: SummaryAsked | null }
/** Creates a run, shows its results as they come, and answers the exit code. */
export const begin = async (
  context: Context,
  mote: Mote,
  create: () => Promise<Run>,
  { detach, ...shown }: Shown,
): Promise<number> => {
  const { terminal } = context
  if (detach === true) {
    const { id } = await create()
    if (shown.json === true) printJsonLine(terminal, { run: id })
    else terminal.out(`${id}\n`)
    return 0
  }
  const { summary } = await runToEnd(context, mote, create, shown)
  return summary.failed > 0 ? 1 : 0
}

/** Creates a run and shows its results as they come, until its end. */
export const runToEnd = async (
  context: Context,
  mote: Mote,
  create: () => Promise<Run>,
  { asked, json = false }: Omit<Shown, 'detach'>,
): Promise<Ended> => {
  const { terminal } = context
  const cancel = new AbortController()
  const release = context.interruptible(() => cancel.abort())
  try {
    const created = await create()
    // What shows the table takes a while to load; the hosts are at work meanwhile.
    const [{ results, missing, summary }, table] = await Promise.all([
      untilDone(context, mote, { created, json, cancel: cancel.signal }),
      json ? null : import('./outcome.ts'),
    ])
    const { run, expected, ok, failed, failures } = summary
    const operation = lastOperation(created.pipeline)
    const { stopped } = created.control && failed > 0 ? await mote.run(run, { targets: false }) : {}
    const dryRun = created.dryRun === true
    if (json) {
      const { aggregated } = asked ? await import('./outcome.ts') : {}
      printJsonLine(terminal, {
        summary: { run, expected, ok, failed, failures },
        ...(dryRun ? { dryRun } : {}),
        ...(stopped ? { stopped } : {}),
        ...(missing.length > 0 ? { got: expected - missing.length, missing: missing.map(jsonMissing) } : {}),
        ...(asked && aggregated ? { aggregate: aggregated(results, operation, asked) } : {}),
      })
    }
    // Times are the service's, from the start of the run: what loads here is not the hosts' time.
    const ms = Math.max(0, ...results.map(result => result.ms))
    table?.showOutcome(context, { results, missing, summary, ms, operation, asked, dryRun, stopped })
    return { results, missing, summary }
  } finally {
    release()
  }
}

type Waiting = { created: Run; json: boolean; cancel: AbortSignal }
export type Ended = { results: HostResult<unknown>[]; missing: Missing[]; summary: RunSummary }

/** Results as they come; Ctrl-C asks the service to cancel and goes on until every target has ended. */
const untilDone = async (context: Context, mote: Mote, run: Waiting): Promise<Ended> => {
  const { terminal } = context
  const { json, created } = run
  const { id, summary } = created
  const startedAt = performance.now()
  const results: HostResult<unknown>[] = []
  const missing: Missing[] = []
  const turns = followTurns(mote, created)
  const progress = () =>
    terminal.progress(progressText(results, summary.expected, performance.now() - startedAt, turns.now()))
  const ticker = setInterval(progress, 200)
  const cancel = () => {
    terminal.error(`cancelling run ${id}; Ctrl-C again leaves at once`)
    mote.cancelRun(id).catch((error: unknown) => terminal.error(`reops: cancel: ${(error as Error).message}`))
  }
  if (run.cancel.aborted) cancel()
  run.cancel.addEventListener('abort', cancel, { once: true })
  try {
    for await (const event of mote.runEvents(id, { reconnectForMs: 15_000 })) {
      if (event.event === 'done') return { results, missing, summary: event.data }
      const result = resultOf(event.data)
      results.push(result)
      const unheard = missingOf(event.data)
      if (unheard) missing.push(unheard)
      if (json) printJsonLine(terminal, jsonResult(result))
    }
    throw new ClientError('unreachable', `the events of run ${id} ended before the run did`)
  } finally {
    clearInterval(ticker)
    turns.stop()
    run.cancel.removeEventListener('abort', cancel)
    terminal.progress('')
  }
}

const turnsEveryMs = 1_000
/** What a run with turns waits for, asked now and then; others are not asked. */
const followTurns = (mote: Mote, { id, control }: Run) => {
  let rollout: Run['rollout']
  const ask = () =>
    mote.run(id, { targets: false, timeoutMs: turnsEveryMs }).then(
      run => (rollout = run.rollout),
      () => (rollout = undefined), // the results tell whether the service is there
    )
  const timer = control && setInterval(() => void ask(), turnsEveryMs)
  return { now: () => rollout, stop: () => clearInterval(timer) }
}

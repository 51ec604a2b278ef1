import type { Mote } from '@re-ops/client'
import type { Run, Target } from '@re-ops/protocols'
import { lastOperation, missingOf, resultOf } from '@re-ops/protocols/target'
import { idAmong, isId } from '../arguments/ids.ts'
import { wholeNumber } from '../arguments/labels.ts'
import { summaryAsked, type SummaryOptions } from '../arguments/summary.ts'
import { printJson, type Context } from '../context.ts'
import { turnsText } from '../render/outcome.ts'
import { table } from '../render/table.ts'
import { ago, duration } from '../render/units.ts'

/** `disk`, `certificate.expiry@4f2a9c1e` when its code came from a module, else `pipeline`. */
const whatOf = (pipeline: unknown): string => {
  const { kind, operation, module } = (pipeline ?? {}) as { kind?: string; operation?: string; module?: string }
  if (kind === 'call' && module !== undefined) return `${operation}@${module.slice(0, 8)}`
  return lastOperation(pipeline) ?? 'pipeline'
}
const lastedMs = (run: Run, nowMs: number) =>
  (run.finishedAt === null ? nowMs : Date.parse(run.finishedAt)) - Date.parse(run.createdAt)

export const listRuns = async (context: Context, options: { json?: boolean; limit?: string }): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const limit = options.limit === undefined ? 20 : wholeNumber(options.limit, '--limit', 1, 500)
  const runs = await mote.runs({ limit })
  if (options.json === true) {
    printJson(terminal, runs)
    return 0
  }
  terminal.out(
    table(
      ['RUN', 'WHEN', 'ON', 'WHAT', 'STATE', 'EXPECTED', 'OK', 'FAILED', 'TOOK'],
      runs.map(run => [
        run.id,
        ago(run.createdAt, context.now()),
        run.on,
        `${whatOf(run.pipeline)}${run.dryRun === true ? ' (dry)' : ''}`,
        run.state,
        String(run.summary.expected),
        String(run.summary.ok),
        String(run.summary.failed),
        duration(Math.max(0, lastedMs(run, context.now()))),
      ]),
      {
        paint: terminal.paint,
        width: terminal.columns,
        colour: at => ((runs[at]?.summary.failed ?? 0) > 0 ? terminal.paint.bad : text => text),
      },
    ),
  )
  return 0
}

const searchedMax = 200

/** Who reads facts of hosts that connect, now and then: not what anybody means by `last`. */
const ownSubject = 're-mote'

/** An id, `last`, or the beginning or end of an id of the latest runs. */
export const idOf = async (mote: Mote, word: string): Promise<string> => {
  if (isId(word)) return word
  const runs = await mote.runs({ limit: searchedMax })
  const meant = word === 'last' ? runs.filter(run => run.createdBy !== ownSubject) : runs
  return idAmong(
    meant.map(run => run.id),
    word,
    { noun: 'run', list: 'reops runs' },
  )
}

/** With all its targets, however much they hold. */
const wholeRun = async (mote: Mote, id: string): Promise<Run> => {
  try {
    return await mote.run(id)
  } catch (error) {
    if ((error as { status?: number }).status !== tooLarge) throw error
    const targets: Target[] = []
    for await (const target of mote.targets(id)) targets.push(target)
    return { ...(await mote.run(id, { targets: false })), targets }
  }
}
const tooLarge = 413

export const showRun = async (
  context: Context,
  word: string,
  options: SummaryOptions & { json?: boolean },
): Promise<number> => {
  const asked = summaryAsked(options)
  const { mote } = await context.client()
  const { terminal } = context
  const id = await idOf(mote, word)
  if (options.json === true && asked) {
    printJson(terminal, await mote.summary(id, asked))
    return 0
  }
  const run = await wholeRun(mote, id)
  if (options.json === true) {
    printJson(terminal, run)
    return 0
  }
  const targets = run.targets ?? []
  const ended = targets.filter(target => target.state !== 'queued' && target.state !== 'running')
  const took = duration(Math.max(0, lastedMs(run, context.now())))
  terminal.out(
    `run ${run.id}  ${whatOf(run.pipeline)} on ${run.on}  by ${run.createdBy}  ${ago(run.createdAt, context.now())}${run.retryOf === undefined ? '' : `  retry of ${run.retryOf}`}\n`,
  )
  const { showOutcome } = await import('./outcome.ts')
  showOutcome(context, {
    results: ended.map(resultOf),
    missing: targets.flatMap(target => missingOf(target) ?? []),
    summary: run.summary,
    ms: Math.max(0, lastedMs(run, context.now())),
    operation: lastOperation(run.pipeline),
    asked,
    dryRun: run.dryRun === true,
    stopped: run.stopped,
  })
  if (run.state === 'running') terminal.out(`still running: ${targets.length - ended.length} targets, for ${took}\n`)
  if (run.rollout) terminal.out(`${turnsText(run.rollout)}\n`)
  return 0
}

export const cancelRun = async (context: Context, word: string, options: { json?: boolean }): Promise<number> => {
  const { mote } = await context.client()
  const id = await idOf(mote, word)
  await mote.cancelRun(id)
  if (options.json === true) printJson(context.terminal, { run: id, cancelled: true })
  else context.terminal.out(`asked to cancel ${id}; \`reops runs show ${id}\` shows what ended how\n`)
  return 0
}

export const holdRun = async (
  context: Context,
  verb: 'pause' | 'resume',
  word: string,
  options: { json?: boolean },
): Promise<number> => {
  const { mote } = await context.client()
  const id = await idOf(mote, word)
  const run = await (verb === 'pause' ? mote.pauseRun(id) : mote.resumeRun(id))
  if (options.json === true) printJson(context.terminal, run)
  else context.terminal.out(`${verb}d ${id}${run.rollout ? `  ${turnsText(run.rollout)}` : ''}\n`)
  return 0
}

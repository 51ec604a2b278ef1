import type { Job } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { printJson, type Context } from '../context.ts'
import { jobLine, phasesText } from '../render/system.ts'
import { ago, duration } from '../render/units.ts'
import { jobIdOf } from './jobs.ts'
import { waitForJobs } from './wait.ts'

type Options = { readonly json?: boolean; readonly wait?: boolean; readonly timeout?: string }

const ended = (job: Job): string =>
  job.finishedAt === null
    ? job.state
    : `${job.state} after ${duration(Date.parse(job.finishedAt) - Date.parse(job.createdAt))}`

const inputText = ({ input }: Job): string | null => {
  const fields = Object.entries(input).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
  return fields.length === 0 ? null : fields.join(' ')
}

/** What was asked, how it ended, and how long each phase took. */
export const showJob = async (context: Context, id: string, options: Options): Promise<number> => {
  const { core } = await context.client()
  const { terminal, now } = context
  const job = await core.job(await jobIdOf(core, id))
  if (options.json === true) {
    printJson(terminal, job)
    return 0
  }
  const phase = job.phases.at(-1)?.name
  const lines: [string, string | null][] = [
    ['system', job.name],
    ['with', inputText(job)],
    ['state', ended(job)],
    ['phases', phase === undefined ? null : phasesText(job.phases, { phase, afterMs: null }, terminal.paint)],
    ['asked', ago(job.createdAt, now())],
    ['why', job.error],
  ]
  const shown = lines.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(8)} ${value}\n`]))
  terminal.out(`${terminal.paint.bold(`${job.verb} ${job.name}`)}  ${job.id}\n${shown.join('')}`)
  return 0
}

const act = async (context: Context, options: Options, ask: (id: string) => Promise<Job>, id: string) => {
  const timeoutMs = durationMs(options.timeout ?? '10m', '--timeout')
  const job = await ask(id)
  const { core } = await context.client()
  const systems = [await core.system(job.system)]
  if (options.wait === true)
    return waitForJobs(context, core, { systems, jobs: [job], timeoutMs, json: options.json === true })
  if (options.json === true) printJson(context.terminal, job)
  else context.terminal.out(jobLine(job))
  return 0
}

export const cancelJob = async (context: Context, id: string, options: Options): Promise<number> => {
  const { core } = await context.client()
  return act(context, options, core.cancelJob, await jobIdOf(core, id))
}

export const retryJob = async (context: Context, id: string, options: Options): Promise<number> => {
  const { core } = await context.client()
  return act(context, options, core.retryJob, await jobIdOf(core, id))
}

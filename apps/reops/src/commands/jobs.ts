import type { Core } from '@re-ops/client'
import { idAmong, isId } from '../arguments/ids.ts'
import { printJson, type Context } from '../context.ts'
import { table } from '../render/table.ts'
import { ago, duration } from '../render/units.ts'

/** The end of its id, by which `jobs show` takes it. */
const shortId = (id: string): string => id.slice(-12)

/** An id, `last`, the beginning or end of an id of the latest jobs, or a system, for what was asked of it last. */
export const jobIdOf = async (core: Core, word: string): Promise<string> => {
  if (isId(word)) return word
  const jobs = await core.jobs()
  const ofSystem = jobs.find(job => job.name === word)
  if (ofSystem !== undefined) return ofSystem.id
  return idAmong(
    jobs.map(job => job.id),
    word,
    { noun: 'job', list: 'reops jobs' },
  )
}

export const listJobs = async (context: Context, options: { json?: boolean; system?: string }): Promise<number> => {
  const { core } = await context.client()
  const { terminal } = context
  const system = options.system === undefined ? undefined : (await core.system(options.system)).id
  const jobs = await core.jobs(system === undefined ? {} : { system })
  if (options.json === true) {
    printJson(terminal, jobs)
    return 0
  }
  if (jobs.length === 0) {
    terminal.error('no jobs')
    return 0
  }
  terminal.out(
    table(
      ['JOB', 'SYSTEM', 'VERB', 'STATE', 'WHEN', 'TOOK', 'ERROR'],
      jobs.map(job => [
        shortId(job.id),
        job.name,
        job.verb,
        job.state,
        ago(job.createdAt, context.now()),
        job.finishedAt === null ? '' : duration(Date.parse(job.finishedAt) - Date.parse(job.createdAt)),
        job.error ?? '',
      ]),
      {
        paint: terminal.paint,
        width: terminal.columns,
        colour: at => (jobs[at]?.state === 'failed' ? terminal.paint.bad : text => text),
      },
    ),
  )
  return 0
}

import { printJson, type Context } from '../context.ts'
import { table } from '../render/table.ts'
import { ago, duration } from '../render/units.ts'

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
        job.id,
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

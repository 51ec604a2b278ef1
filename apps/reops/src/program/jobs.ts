import { examples, merged, type Kit } from './kit.ts'

/** `reops jobs`. */
export const addJobs = ({ program, context, done, add, waiting }: Kit): void => {
  const jobs = add(program, 'jobs', 'what was asked of systems, and how far it is; show, cancel, retry one')
    .usage('[options] | show <job> | cancel <job> | retry <job>')
    .option('--system <system>', 'only of this one (name or id)')
    .action((options: object) => done(import('../commands/jobs.ts').then(m => m.listJobs(context, options))))
    .addHelpText('after', examples('reops jobs', 'reops jobs --system demo-1 --json'))
  const load = () => import('../commands/job-verbs.ts')
  const which = 'its id, the beginning or end of it, `last`, or a system for what was asked of it last'
  add(jobs, 'show', 'what was asked, how it ended, and how long each phase took')
    .argument('<job>', which)
    .action((job: string, options: object) => done(load().then(m => m.showJob(context, job, merged(jobs, options)))))
    .addHelpText('after', examples('reops jobs show last', 'reops jobs show web-1'))
  waiting(add(jobs, 'cancel', 'end it before its time; a create ends without a machine, unless it was ready before'))
    .argument('<job>', which)
    .action((job: string, options: object) => done(load().then(m => m.cancelJob(context, job, merged(jobs, options)))))
    .addHelpText('after', examples('reops jobs cancel 8f88c814f348 --wait'))
  waiting(add(jobs, 'retry', 'ask once more for what failed, was cancelled, or is uncertain'))
    .argument('<job>', which)
    .action((job: string, options: object) => done(load().then(m => m.retryJob(context, job, merged(jobs, options)))))
    .addHelpText('after', examples('reops jobs retry web-1 --wait'))
}

import { examples, type Kit } from './kit.ts'

/** `reops jobs`. */
export const addJobs = ({ program, context, done, add }: Kit): void => {
  add(program, 'jobs', 'what was asked of systems, and how far it is')
    .option('--system <system>', 'only of this one (name or id)')
    .action((options: object) => done(import('../commands/jobs.ts').then(m => m.listJobs(context, options))))
    .addHelpText('after', examples('reops jobs', 'reops jobs --system demo-1 --json'))
}

import { examples, listOf, merged, type Kit } from './kit.ts'

/** `reops runs` and `reops output`. */
export const addRuns = ({ program, context, done, configured, add }: Kit): void => {
  const runs = add(program, 'runs', 'the latest runs; one with all its targets; cancel, pause, resume, retry one')
    .usage('[options] | show <id> | cancel <id> | pause <id> | resume <id> | retry <id>')
    .option('--limit <n>', 'how many', '20')
    .action((options: object) => done(import('../commands/runs.ts').then(m => m.listRuns(context, options))))
    .addHelpText('after', examples('reops runs', 'reops runs show last', 'reops runs cancel 7c1'))
  add(runs, 'show', 'a run and how each of its targets ended')
    .argument('<id>', 'an id, its beginning or end, or `last`')
    .option(
      '--summary [fields]',
      "results taken together: the operation's own summary, or field:function,...;field:...",
    )
    .option('--group-by <field>', 'taken together in groups, by the value of a field')
    .action((id: string, options: object) =>
      done(import('../commands/runs.ts').then(m => m.showRun(context, id, merged(runs, options)))),
    )
    .addHelpText('after', examples('reops runs show last', "reops runs show last --summary 'mounts.used:p95,top3'"))
  add(runs, 'cancel', 'cancel a run; what ended stays as it ended')
    .argument('<id>', 'an id, its beginning or end, or `last`')
    .action((id: string, options: object) =>
      done(import('../commands/runs.ts').then(m => m.cancelRun(context, id, merged(runs, options)))),
    )
    .addHelpText('after', examples('reops runs cancel last'))
  const holds = {
    pause: 'hold back the hosts of a run that have not begun',
    resume: 'let the hosts of a paused run begin',
  } as const
  for (const verb of ['pause', 'resume'] as const)
    add(runs, verb, holds[verb])
      .argument('<id>', 'an id, its beginning or end, or `last`')
      .action((id: string, options: object) =>
        done(import('../commands/runs.ts').then(m => m.holdRun(context, verb, id, merged(runs, options)))),
      )
      .addHelpText('after', examples(`reops runs ${verb} last`))
  add(runs, 'retry', 'the same again, on the hosts that failed')
    .argument('<id>', 'an id, its beginning or end, or `last`')
    .option('--failed', 'all that failed, however (the default)')
    .option('--state <state>', 'only those that ended so, for example unreachable; may be given again', listOf)
    .option('-y, --yes', 'also what may have run already and must not run twice')
    .option('--detach', 'do not wait; prints the id of the run')
    .action((id: string, options: object) =>
      done(import('../commands/retry.ts').then(m => m.retryRun(context, id, merged(runs, options)))),
    )
    .addHelpText('after', examples('reops runs retry last', 'reops runs retry 7c1 --state unreachable --state timeout'))

  configured(program.command('output'))
    .description('what the commands of a run write, as they write it, or wrote, longer than a result shows')
    .argument('<run>', 'an id, its beginning or end, or `last`')
    .argument('[host...]', 'names or ids; all hosts of the run, when they are few')
    .option('--stderr', 'the other stream')
    .action((run: string, names: string[], options: object) =>
      done(import('../commands/output.ts').then(m => m.showOutput(context, run, names, options))),
    )
    .addHelpText(
      'after',
      examples('reops output last', 'reops output last web-1 > dump.sql', 'reops output 7c1 web-1 --stderr'),
    )
}

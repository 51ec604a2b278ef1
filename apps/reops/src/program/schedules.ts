import { examples, merged, type Kit } from './kit.ts'

/** `reops schedules`. */
export const addSchedules = ({ program, context, done, add }: Kit): void => {
  const schedules = add(program, 'schedules', 'operations that agents do every so often by themselves')
    .usage('[options] | list | create <name> | show <name> | remove <name>')
    .action((options: object) => done(import('../commands/schedules.ts').then(m => m.listSchedules(context, options))))
    .addHelpText('after', examples('reops schedules', 'reops schedules create mem --agent memory --every 10s'))
  add(schedules, 'list', 'the schedules, and how far their hosts are')
    .action((options: object) =>
      done(import('../commands/schedules.ts').then(m => m.listSchedules(context, merged(schedules, options)))),
    )
    .addHelpText('after', examples('reops schedules list'))
  add(schedules, 'create', 'let agents sample, online or not; what they sampled offline comes later')
    .argument('<name>')
    .argument('[input...]', 'of the operation: key=value, or key:=json')
    .requiredOption('--agent <operation>', 'what they do; it must only read')
    .requiredOption('--every <duration>', 'from one to the next, at least 1s')
    .option('--on <selector>', 'on these hosts, and those that fit later', '*')
    .option('--timeout <duration>', 'of each (default 10s)')
    .option('--keep <duration>', 'how long samples are kept (default 7d)')
    .action((name: string, input: string[], options: object) =>
      done(
        import('../commands/schedules.ts').then(m =>
          m.createSchedule(
            context,
            [name, ...input],
            merged(schedules, options) as Parameters<typeof m.createSchedule>[2],
          ),
        ),
      ),
    )
    .addHelpText('after', examples("reops schedules create mem --agent memory --every 10s --on 'role=web'"))
  add(schedules, 'show', 'what was sampled, newest first')
    .argument('<name>')
    .option('--host <host>', 'only of this one (name or id)')
    .option('--limit <n>', 'how many', '20')
    .action((name: string, options: object) =>
      done(import('../commands/schedules.ts').then(m => m.showSchedule(context, name, merged(schedules, options)))),
    )
    .addHelpText('after', examples('reops schedules show mem --host web-1'))
  add(schedules, 'remove', 'sample it no more')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('../commands/schedules.ts').then(m => m.removeSchedule(context, name, merged(schedules, options)))),
    )
    .addHelpText('after', examples('reops schedules remove mem'))
}

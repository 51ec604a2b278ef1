import { Command, Option } from 'commander'
import { examples, merged, type Kit } from './kit.ts'

const ends = ['destroy', 'stop']
const onEnd = () => new Option('--on-end <verb>', 'what happens when its lease ends (default destroy)').choices(ends)

/** Of `reops systems create`. */
export const leaseOptions = (command: Command): Command =>
  command
    .option('--lease <duration>', 'it ends after this time unless it is renewed: 30m, 2h, 7d')
    .option('--max-life <duration>', 'no renewal goes beyond this time after its creation')
    .addOption(onEnd())

/** `reops leases` and `reops notices`. */
export const addLeases = ({ program, context, done, add, selecting }: Kit): void => {
  const leases = add(program, 'leases', 'systems that end by themselves, and when')
    .usage('[options] | list | renew <system...> | remove <system...>')
    .action((options: object) => done(import('../commands/leases.ts').then(m => m.listLeases(context, options))))
    .addHelpText('after', examples('reops leases', 'reops leases renew ci-1 --for 2h'))
  add(leases, 'list', 'the next to end first')
    .action((options: object) =>
      done(import('../commands/leases.ts').then(m => m.listLeases(context, merged(leases, options)))),
    )
    .addHelpText('after', examples('reops leases list --json'))
  selecting(add(leases, 'renew', 'later, never earlier; done when the machine carries it too'), 'systems')
    .argument('[system...]', 'names, globs or ids')
    .option('--for <duration>', 'from now on (default: as long as the last time)')
    .addOption(onEnd())
    .action((names: string[], options: object) =>
      done(import('../commands/leases.ts').then(m => m.renewLeases(context, names, merged(leases, options)))),
    )
    .addHelpText('after', examples('reops leases renew ci-1 --for 2h', "reops leases renew --on 'job=4711'"))
  selecting(add(leases, 'remove', 'it no longer ends by itself; asks first'), 'systems')
    .argument('[system...]', 'names, globs or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('../commands/leases.ts').then(m => m.endLeases(context, names, merged(leases, options)))),
    )
    .addHelpText('after', examples('reops leases remove ci-1'))
  add(program, 'notices', 'what re-core did, or refused to do, by itself')
    .option('--limit <n>', 'so many, newest first', '50')
    .action((options: object) => done(import('../commands/notices.ts').then(m => m.listNotices(context, options))))
    .addHelpText('after', examples('reops notices', 'reops notices --limit 500 --json'))
}

/** `reops systems adopt`. */
export const addAdopt = (systems: Command, { context, done, add, selecting }: Kit): void => {
  selecting(add(systems, 'adopt', 'take a machine as it is that is newer than its row (restored database)'), 'systems')
    .argument('[system...]', 'names, globs or ids')
    .action((names: string[], options: object) =>
      done(import('../commands/leases.ts').then(m => m.adoptSystems(context, names, options))),
    )
    .addHelpText('after', examples('reops systems adopt web-1'))
}

import type { Command } from 'commander'
import { examples, listOf, type Kit } from './kit.ts'

const forcing = (command: Command): Command =>
  command
    .option('--force', 'take its power away without asking the guest')
    .option('--force-after <duration>', 'ask the guest, and take its power away when it has not stopped by then')

/** What is done to systems that are there, beside power: reboot, resize, rename, label, snapshot, clone. */
export const addSystemVerbs = (systems: Command, { context, done, add, selecting, waiting }: Kit): void => {
  const load = () => import('../commands/system-verbs.ts')
  forcing(
    waiting(selecting(add(systems, 'stop', 'power off: the guest is asked, and waited for; asks first'), 'systems')),
  )
    .argument('[system...]', 'names, globs or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) => done(load().then(m => m.stopSystems(context, names, options))))
    .addHelpText(
      'after',
      examples(
        'reops systems stop demo-1 --wait',
        'reops systems stop demo-1 --force-after 30s',
        "reops systems stop --on 'demo-* and env=test' --force --yes",
      ),
    )
  waiting(selecting(add(systems, 'reboot', 'reboot, once; asks first'), 'systems'))
    .argument('[system...]', 'names, globs or ids')
    .option('--hard', 'as by the reset button: the guest is not asked')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) => done(load().then(m => m.rebootSystems(context, names, options))))
    .addHelpText('after', examples('reops systems reboot demo-1 --wait', 'reops systems reboot web-3 --hard --yes'))
  forcing(waiting(selecting(add(systems, 'resize', 'another size; stops for it where it must; asks first'), 'systems')))
    .argument('[system...]', 'names, globs or ids')
    .option('--size <size>', 'CPU, memory and disk')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) => done(load().then(m => m.resizeSystems(context, names, options))))
    .addHelpText('after', examples('reops systems resize web-3 --size large --wait'))
  waiting(add(systems, 'rename', 'another name'))
    .argument('<system>', 'name or id')
    .argument('<name>', 'the new one')
    .action((system: string, name: string, options: object) =>
      done(load().then(m => m.renameSystem(context, system, name, options))),
    )
    .addHelpText('after', examples('reops systems rename web-3 web-canary'))
  waiting(selecting(add(systems, 'label', 'set labels (key=value) and take them away (key-)'), 'systems'))
    .argument('<word...>', 'systems, then key=value and key-')
    .action((words: string[], options: object) => done(load().then(m => m.labelSystems(context, words, options))))
    .addHelpText(
      'after',
      examples('reops systems label web-3 env=prod old-', "reops systems label --on 'type=web' tier=1"),
    )
  waiting(add(systems, 'snapshot', 'make an image of its machine'))
    .argument('<system>', 'name or id')
    .argument('<name>', 'of the snapshot')
    .action((system: string, name: string, options: object) =>
      done(load().then(m => m.snapshotSystem(context, system, name, options))),
    )
    .addHelpText(
      'after',
      examples(
        'reops systems snapshot web-3 golden --wait',
        'reops systems create --name web --count 3 --image snapshot:golden',
      ),
    )
  waiting(add(systems, 'clone', 'a snapshot of a system, and new systems of it'))
    .argument('<system>', 'name or id')
    .option('--name <stem>', 'of the new one; with --count they are stem-1, stem-2, ...')
    .option('--count <n>', 'how many')
    .option('--size <size>', 'another size than that of the system')
    .option('--label <key=value>', "instead of the system's own; may be given again", listOf)
    .action((system: string, options: object) =>
      done(import('../commands/snapshots.ts').then(m => m.cloneSystem(context, system, options))),
    )
    .addHelpText('after', examples('reops systems clone web-3 --name load --count 5 --wait'))
}

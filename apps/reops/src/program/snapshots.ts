import { examples, type Kit } from './kit.ts'

/** `reops snapshots`. */
export const addSnapshots = ({ program, context, done, add }: Kit): void => {
  const snapshots = add(program, 'snapshots', 'images made of systems; delete them')
    .usage('[options] | delete <snapshot...>')
    .action((options: object) => done(import('../commands/snapshots.ts').then(m => m.listSnapshots(context, options))))
    .addHelpText('after', examples('reops snapshots', 'reops snapshots delete golden'))
  add(snapshots, 'delete', 'delete snapshots, here and at the provider; asks first')
    .argument('<snapshot...>', 'names or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('../commands/snapshots.ts').then(m => m.deleteSnapshots(context, names, options))),
    )
    .addHelpText('after', examples('reops snapshots delete golden --yes'))
}

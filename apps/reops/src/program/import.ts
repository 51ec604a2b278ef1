import { Command, Option } from 'commander'
import { examples, listOf, type Kit } from './kit.ts'
import { leaseOptions } from './leases.ts'

const lostPolicies = ['alert', 'recreate', 'recreate-on-demand', 'forget']

/** Of `reops systems create`, `import` and `policy`. */
export const policyOptions = (command: Command): Command =>
  command
    .option('--fix <fields>', 'put right by itself: power, labels, protection, with commas between; or none')
    .addOption(new Option('--on-lost <what>', 'when its machine is gone though it is wanted').choices(lostPolicies))

const managing = () => new Option('--manage <how>', 'observe: nothing is done to it').choices(['observe', 'full'])

/** `reops systems unmanaged, import, forget, drift, policy`. */
export const addImports = (systems: Command, { context, done, add, selecting, waiting }: Kit): void => {
  const load = () => import('../commands/import.ts')
  add(systems, 'unmanaged', 'machines of accounts that belong to no system')
    .option('--account <account>', 'of this account (default: all)')
    .option('--region <region>', 'of this region')
    .action((options: object) => done(load().then(m => m.listUnmanaged(context, options))))
    .addHelpText('after', examples('reops systems unmanaged', 'reops systems unmanaged --account aws --json'))
  const taking = add(systems, 'import', 'take hold of a machine that is there; it is never ended by itself')
    .argument('<account>', 'whose machine it is; `reops accounts` lists them')
    .argument('<ref>', "the provider's id of it; `reops systems unmanaged` lists them")
    .option('--name <name>', 'what it is called here')
    .option('--region <region>', "where (default: the account's first)")
    .option('--type <type>', 'named role')
    .option('--label <key=value>', 'beside the tags that it has; may be given again', listOf)
    .addOption(managing().default('observe'))
  leaseOptions(policyOptions(waiting(taking)))
    .action((account: string, ref: string, options: object) =>
      done(load().then(m => m.importSystem(context, { account, ref }, options))),
    )
    .addHelpText(
      'after',
      examples(
        'reops systems import aws i-0123456789abcdef0 --name legacy-db --wait',
        'reops systems import do 4711 --name shop --region fra1 --manage full --fix power',
      ),
    )
  waiting(selecting(add(systems, 'forget', 'end the system and leave its machine; asks first'), 'systems'))
    .argument('[system...]', 'names, globs or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) => done(load().then(m => m.forgetSystems(context, names, options))))
    .addHelpText('after', examples('reops systems forget legacy-db --wait'))
  selecting(add(systems, 'drift', 'what is not as it is wanted, of all systems or of some'), 'systems')
    .argument('[system...]', 'names, globs or ids')
    .action((names: string[], options: object) => done(load().then(m => m.showDrift(context, names, options))))
    .addHelpText('after', examples('reops systems drift', 'reops systems drift web-1 --json'))
  policyOptions(waiting(selecting(add(systems, 'policy', 'what is done by itself about systems'), 'systems')))
    .argument('[system...]', 'names, globs or ids')
    .addOption(managing())
    .action((names: string[], options: object) => done(load().then(m => m.setPolicy(context, names, options))))
    .addHelpText(
      'after',
      examples(
        'reops systems policy web-1 --fix power,labels --on-lost recreate',
        'reops systems policy legacy-db --manage full --fix none',
      ),
    )
}

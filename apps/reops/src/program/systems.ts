import { Option } from 'commander'
import { addSystemVerbs } from './system-verbs.ts'
import { examples, listOf, providers, readiness, type Kit } from './kit.ts'
import { addImports, policyOptions } from './import.ts'
import { addAdopt, leaseOptions } from './leases.ts'

/** `reops systems`: machines and what is done to them. */
export const addSystems = (kit: Kit): void => {
  const { context, done, add, group, selecting, waiting } = kit
  const systems = group('systems', 'machines: made, listed, started, stopped, changed, cloned, destroyed, imported')
  policyOptions(leaseOptions(waiting(add(systems, 'create', 'create machines'))))
    .option('--name <stem>', 'the name; with --count they are stem-1, stem-2, ...')
    .option('--count <n>', 'how many')
    .addOption(new Option('--provider <provider>', 'who makes it (default local)').choices(providers))
    .option('--account <account>', 'whose machine it is at the provider (default: the only one there is)')
    .option('--region <region>', "where (default: the account's first)")
    .option('--zone <zone>', 'within the region; may be given again, tried in order', listOf)
    .option('--spot', 'cheaper, and the provider may take it back')
    .option('--disk <GB>', 'size of its disk')
    .option('--ssh-key <key>', 'a public key that may log in; may be given again', listOf)
    .option('--key <name>', 'a key of the account (`reops ssh-keys`); may be given again', listOf)
    .option('--firewall <name>', 'a firewall of the account (`reops firewalls`); may be given again', listOf)
    .option('--volume <GB[:name]>', 'a disk beside its own, which ends with it; may be given again', listOf)
    .option('--user-data <file>', "cloud-init's; - is standard input; or secret:user-data/NAME, file:, env: of re-core")
    .option('--type <type>', 'named role, for example web; `reops words` lists those that say more')
    .option('--preset <preset>', 'words that go above those of the type; may be given again', listOf)
    .option('--size <size>', 'CPU, memory and disk')
    .option('--image <image>', 'base operating system, or snapshot:<name>')
    .option('--label <key=value>', 'a label; may be given again', listOf)
    .addOption(new Option('--readiness <how>', 'what must answer until it is ready (default agent)').choices(readiness))
    .option('--protected', 'destroy and reload are refused until `reops systems unprotect`')
    .option('--dry-run', 'only show what would be made, and where each value comes from')
    .action((options: object) => done(import('../commands/systems.ts').then(m => m.createSystems(context, options))))
    .addHelpText(
      'after',
      examples(
        'reops systems create --name demo --count 3 --provider local --type web --label env=test --wait',
        'reops systems create --name web --account aws --region eu-central-1 --size t3.small --image debian-12 --wait',
        'reops systems create --name db --account do --firewall db --volume 100:data --wait',
        'reops systems create --type web --provider digitalocean --size small --dry-run',
      ),
    )
  selecting(add(systems, 'list', 'the systems and their phases'), 'systems')
    .option('--all', 'those that are gone, too')
    .option('--cost', 'what they cost an hour and have cost')
    .action((options: object) => done(import('../commands/systems-list.ts').then(m => m.listSystems(context, options))))
    .addHelpText(
      'after',
      examples(
        'reops systems list',
        'reops systems list --cost',
        "reops systems list --on 'type=web and not phase=ready' --json",
      ),
    )
  selecting(add(systems, 'show', 'all about systems'), 'systems')
    .argument('[system...]', 'names, globs or ids')
    .action((names: string[], options: object) =>
      done(import('../commands/systems-show.ts').then(m => m.showSystems(context, names, options))),
    )
    .addHelpText('after', examples('reops systems show demo-1'))
  addAdopt(systems, kit)
  addImports(systems, kit)
  const verbs = {
    start: 'power on',
    protect: 'refuse destroy and reload, here and at the provider',
    unprotect: 'allow destroy and reload again; asks first',
    reload: 'destroy and create anew, under the same id; asks first',
    destroy: 'destroy for good; asks first',
  } as const
  for (const [verb, description] of Object.entries(verbs)) {
    const command = waiting(selecting(add(systems, verb, description), 'systems'))
      .argument('[system...]', 'names, globs or ids')
      .action((names: string[], options: object) =>
        done(
          import('../commands/systems.ts').then(m =>
            m.actOnSystems(context, verb as keyof typeof verbs, names, options),
          ),
        ),
      )
      .addHelpText(
        'after',
        examples(
          `reops systems ${verb} demo-1 --wait`,
          `reops systems ${verb} --on 'name-* and env=test'`.replace('name-*', 'demo-*'),
        ),
      )
    if (verb === 'destroy') command.option('--keep-volumes', 'volumes that were made with it stay')
    if (verb !== 'start' && verb !== 'protect') command.option('-y, --yes', 'do not ask')
  }
  addSystemVerbs(systems, kit)
}

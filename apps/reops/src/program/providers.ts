import { Option, type Command } from 'commander'
import { examples, providers, type Kit } from './kit.ts'

/** `reops providers`, `sizes` and `images`. */
export const addProviders = ({ program, context, done, add }: Kit): void => {
  add(program, 'providers', 'who makes machines here')
    .action((options: object) => done(import('../commands/providers.ts').then(m => m.listProviders(context, options))))
    .addHelpText('after', examples('reops providers', 'reops providers --json'))
  const somewhere = (command: Command): Command =>
    command
      .addOption(new Option('--provider <provider>', 'of this one (default local)').choices(providers))
      .option('--account <account>', 'of this account')
      .option('--region <region>', "in this region (default: the account's first)")
  somewhere(add(program, 'sizes', 'what --size takes: cores, memory, disk'))
    .action((options: object) => done(import('../commands/providers.ts').then(m => m.listSizes(context, options))))
    .addHelpText('after', examples('reops sizes', 'reops sizes --account aws --region eu-central-1'))
  somewhere(add(program, 'images', 'what --image takes'))
    .action((options: object) => done(import('../commands/providers.ts').then(m => m.listImages(context, options))))
    .addHelpText('after', examples('reops images --account aws'))
}

import { Option, type Command } from 'commander'
import { examples, merged, providers, type Kit } from './kit.ts'

const somewhere = (command: Command): Command =>
  command
    .addOption(new Option('--provider <provider>', 'at this one').choices(providers))
    .option('--account <account>', 'of this account (default: the only one of the provider)')
    .option('--region <region>', "in this region (default: the account's first)")

const awaited = (command: Command): Command =>
  command
    .option('--no-wait', 'only ask for it; `reops volumes` and `reops jobs` show how it goes')
    .option('--timeout <duration>', 'how long to wait', '10m')

/** `reops volumes`, `ssh-keys` and `firewalls`: what stands beside machines. */
export const addExtras = (kit: Kit): void => {
  addVolumes(kit)
  addSshKeys(kit)
  addFirewalls(kit)
}

const addVolumes = ({ program, context, done, add }: Kit): void => {
  const volumes = somewhere(add(program, 'volumes', 'disks with a life of their own; destroying a system keeps them'))
    .usage('[options] | list | create <name> | attach <name> <system> | detach <name> | resize <name> | delete <name>')
    .action((options: object) => done(import('../commands/volumes.ts').then(m => m.listVolumes(context, options))))
    .addHelpText('after', examples('reops volumes --account do', 'reops volumes create data --account do --size 10'))
  const sub = (name: string, description: string) => somewhere(add(volumes, name, description))
  sub('list', 'the volumes of a place')
    .action((options: object) =>
      done(import('../commands/volumes.ts').then(m => m.listVolumes(context, merged(volumes, options)))),
    )
    .addHelpText('after', examples('reops volumes list --account aws --region eu-west-1'))
  for (const [name, description] of [
    ['create', 'make a volume; the same again is the same volume'],
    ['resize', 'make a volume larger; none gets smaller'],
  ] as const)
    awaited(sub(name, description))
      .argument('<name>', 'lower case letters, digits and dashes')
      .requiredOption('--size <GB>', 'how large')
      .option('--zone <zone>', 'within the region, where the provider has zones')
      .action((volume: string, options: object) =>
        done(
          import('../commands/volumes.ts').then(m =>
            m.putVolume(context, volume, merged(volumes, options) as Parameters<typeof m.putVolume>[2]),
          ),
        ),
      )
      .addHelpText('after', examples(`reops volumes ${name} data --account do --size 20`))
  awaited(sub('attach', 'attach a volume to the machine of a system of the same place'))
    .argument('<name>')
    .argument('<system>', 'name or id')
    .action((volume: string, system: string, options: object) =>
      done(
        import('../commands/volumes.ts').then(m => m.attachVolume(context, [volume, system], merged(volumes, options))),
      ),
    )
    .addHelpText('after', examples('reops volumes attach data web-1 --account do'))
  awaited(sub('detach', 'take a volume off its machine'))
    .argument('<name>')
    .action((volume: string, options: object) =>
      done(import('../commands/volumes.ts').then(m => m.detachVolume(context, volume, merged(volumes, options)))),
    )
    .addHelpText(
      'after',
      examples('reops volumes detach data --account do', 'reops volumes detach data --account do --no-wait'),
    )
  awaited(sub('delete', 'delete a volume and all in it; asks first'))
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .action((volume: string, options: object) =>
      done(import('../commands/volumes.ts').then(m => m.removeVolume(context, volume, merged(volumes, options)))),
    )
    .addHelpText('after', examples('reops volumes delete data --account do'))
}

const addSshKeys = ({ program, context, done, add }: Kit): void => {
  const keys = somewhere(add(program, 'ssh-keys', 'public keys that an account at a provider knows'))
    .usage('[options] | list | set <name> <file> | delete <name>')
    .action((options: object) => done(import('../commands/ssh-keys.ts').then(m => m.listSshKeys(context, options))))
    .addHelpText('after', examples('reops ssh-keys --account do'))
  somewhere(add(keys, 'list', 'the keys of an account'))
    .action((options: object) =>
      done(import('../commands/ssh-keys.ts').then(m => m.listSshKeys(context, merged(keys, options)))),
    )
    .addHelpText('after', examples('reops ssh-keys list --account do'))
  somewhere(add(keys, 'set', 'save a public key; the name with another key is refused'))
    .argument('<name>')
    .argument('<file>', 'for example ~/.ssh/id_ed25519.pub; - is standard input')
    .action((name: string, file: string, options: object) =>
      done(import('../commands/ssh-keys.ts').then(m => m.setSshKey(context, [name, file], merged(keys, options)))),
    )
    .addHelpText('after', examples('reops ssh-keys set ann ~/.ssh/id_ed25519.pub --account do'))
  somewhere(add(keys, 'delete', 'forget a public key; machines that have it keep it; asks first'))
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .action((name: string, options: object) =>
      done(import('../commands/ssh-keys.ts').then(m => m.removeSshKey(context, name, merged(keys, options)))),
    )
    .addHelpText('after', examples('reops ssh-keys delete ann --account do'))
}

const addFirewalls = ({ program, context, done, add }: Kit): void => {
  const walls = somewhere(add(program, 'firewalls', 'firewalls of an account at a provider'))
    .usage('[options] | list | apply <name> <file> | delete <name>')
    .action((options: object) => done(import('../commands/firewalls.ts').then(m => m.listFirewalls(context, options))))
    .addHelpText('after', examples('reops firewalls --account do'))
  somewhere(add(walls, 'list', 'the firewalls and their rules'))
    .action((options: object) =>
      done(import('../commands/firewalls.ts').then(m => m.listFirewalls(context, merged(walls, options)))),
    )
    .addHelpText('after', examples('reops firewalls list --account do --json'))
  somewhere(add(walls, 'apply', 'make the rules of a firewall exactly those of a file (YAML or JSON)'))
    .argument('<name>')
    .argument('<file>', '`rules: [{ direction: in, protocol: tcp, ports: "22", peers: [0.0.0.0/0] }]`; ports null: all')
    .action((name: string, file: string, options: object) =>
      done(
        import('../commands/firewalls.ts').then(m => m.applyFirewall(context, [name, file], merged(walls, options))),
      ),
    )
    .addHelpText('after', examples('reops firewalls apply web web-rules.yml --account do'))
  somewhere(add(walls, 'delete', 'delete a firewall that protects nothing; asks first'))
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .action((name: string, options: object) =>
      done(import('../commands/firewalls.ts').then(m => m.removeFirewall(context, name, merged(walls, options)))),
    )
    .addHelpText('after', examples('reops firewalls delete web --account do'))
}

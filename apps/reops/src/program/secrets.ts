import { Option, type Command } from 'commander'
import { examples, type Kit } from './kit.ts'

/** `reops secrets`. */
export const addSecrets = ({ context, done, add, group }: Kit): void => {
  const secrets = group('secrets', 'texts the services keep encrypted; nobody reads them back')
  const at = (command: Command): Command =>
    command.addOption(
      new Option('--service <service>', 'who keeps it (default: mote for ssh/..., core for all else)').choices([
        'core',
        'mote',
      ]),
    )
  at(add(secrets, 'set', 'store a secret, from standard input'))
    .argument('<name>', 'for SSH: ssh/NAME; for accounts any other; for user-data: user-data/NAME')
    .option('--file <file>', 'read it from there')
    .action((name: string, options: object) =>
      done(import('../commands/secrets.ts').then(m => m.setSecret(context, name, options))),
    )
    .addHelpText(
      'after',
      examples(
        'reops secrets set ssh/web --file ~/.ssh/id_ed25519',
        'reops secrets set aws < key.txt && reops accounts set aws --provider ec2 --region eu-central-1 --secret secret:aws',
        'reops secrets set user-data/web --file web.yml',
      ),
    )
  at(add(secrets, 'remove', 'forget a secret'))
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('../commands/secrets.ts').then(m => m.removeSecret(context, name, options))),
    )
    .addHelpText('after', examples('reops secrets remove ssh/web'))
}

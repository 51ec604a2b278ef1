import { examples, type Kit } from './kit.ts'

/** `reops secrets`. */
export const addSecrets = ({ context, done, add, group }: Kit): void => {
  const secrets = group('secrets', 'texts the services keep encrypted; nobody reads them back')
  add(secrets, 'set', 'store a secret, from standard input')
    .argument('<name>', 'for SSH: ssh/NAME')
    .option('--file <file>', 'read it from there')
    .action((name: string, options: object) =>
      done(import('../commands/ssh-hosts.ts').then(m => m.setSecret(context, name, options))),
    )
    .addHelpText('after', examples('reops secrets set ssh/web --file ~/.ssh/id_ed25519'))
  add(secrets, 'remove', 'forget a secret')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('../commands/ssh-hosts.ts').then(m => m.removeSecret(context, name, options))),
    )
    .addHelpText('after', examples('reops secrets remove ssh/web'))
}

import { Option } from 'commander'
import { examples, listOf, merged, type Kit } from './kit.ts'

/** `reops hosts`: what is there, and what is reached over SSH. */
export const addHosts = ({ program, context, done, add, selecting }: Kit): void => {
  const hosts = selecting(add(program, 'hosts', 'the hosts, and which are online'), 'hosts')
    .usage(
      '[options] | show <host> | add <name> | rename <host> <name> | label <host> <key=value...> | remove <host...> | revoke <host...>',
    )
    .action((options: object) => done(import('../commands/hosts.ts').then(m => m.listHosts(context, options))))
    .addHelpText(
      'after',
      examples('reops hosts', "reops hosts --on 'fact:os=debian' --json", 'reops hosts revoke web-3'),
    )
  add(hosts, 'show', 'all about one host: state, agent, labels, facts')
    .argument('<host>', 'a name or an id')
    .action((host: string, options: object) =>
      done(import('../commands/host.ts').then(m => m.showHost(context, host, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts show web-3'))
  add(hosts, 'rename', 'give a host another name; its id stays')
    .argument('<host>', 'a name or an id')
    .argument('<name>')
    .action((host: string, name: string, options: object) =>
      done(import('../commands/host.ts').then(m => m.renameHost(context, [host, name], merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts rename web-3 db-1'))
  selecting(add(hosts, 'label', 'set labels of hosts, and take some away'), 'hosts')
    .usage('<host> <key=value...> [key-...]\n       reops hosts label --on <selector> <key=value...> [key-...]')
    .argument('[word...]', 'the host (without --on), then key=value to set a label, key- to take it away')
    .action((words: string[], options: object) =>
      done(import('../commands/host.ts').then(m => m.labelHosts(context, words, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts label web-3 role=web env-', "reops hosts label --on 'web-*' role=web"))
  selecting(add(hosts, 'revoke', 'accept the identity of hosts no more'), 'hosts')
    .argument('[host...]', 'names or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('../commands/hosts.ts').then(m => m.revokeHosts(context, names, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts revoke web-3', "reops hosts revoke --on 'env=old' --yes"))

  selecting(add(hosts, 'release', 'lift the quarantine of hosts that looked like copies'), 'hosts')
    .argument('[host...]', 'names or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('../commands/release.ts').then(m => m.releaseHosts(context, names, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts release web-3', "reops hosts release --on 'env=lab' --yes"))

  add(hosts, 'add', 'add a host that is reached over SSH')
    .argument('<name>', 'how it is called here')
    .requiredOption('--ssh <target>', '[user@]address[:port]; the user is root by default')
    .option(
      '--identity <reference>',
      'private key: secret:ssh/NAME, or file:NAME in the SSH folder of the service; may be given again',
      listOf,
    )
    .option('--key-file <file>', 'store this private key as secret:ssh/<name> and use it; - is standard input')
    .option('--passphrase <reference>', 'of the private keys')
    .option('--password <reference>', 'the last resort')
    .option('--become <reference>', 'the password that sudo asks for')
    .option('--agent', "also try the keys of the service's ssh-agent")
    .option('--jump <name>', 'the SSH host to go through')
    .option('--host-key <key>', 'a public host key to trust, `type key`; may be given again', listOf)
    .option('--accept-new', 'trust the host key of the first connection')
    .addOption(new Option('--backend <backend>', 'who connects (default ssh2)').choices(['ssh2', 'openssh']))
    .option('--label <key=value>', 'a label; may be given again', listOf)
    .option('--change', 'when there is a host of this name, give it these settings')
    .action((name: string, options: object) =>
      done(
        import('../commands/ssh-hosts.ts').then(m =>
          m.addHost(context, name, merged(hosts, options) as Parameters<typeof m.addHost>[2]),
        ),
      ),
    )
    .addHelpText(
      'after',
      examples(
        'reops hosts add web-1 --ssh deploy@10.0.0.7 --key-file ~/.ssh/id_ed25519 --accept-new --label role=web',
        'reops hosts add db-1 --ssh 10.1.0.2:2222 --identity secret:ssh/web-1 --jump web-1',
      ),
    )
  selecting(add(hosts, 'remove', 'remove hosts that are reached over SSH'), 'hosts')
    .argument('[host...]', 'names or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('../commands/hosts.ts').then(m => m.removeHosts(context, names, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts remove web-1'))
}

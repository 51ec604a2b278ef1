import { Option } from 'commander'
import { examples, merged, type Kit } from './kit.ts'

/** `reops keys` and `reops audit`. */
export const addKeys = ({ program, context, done, add }: Kit): void => {
  const keys = add(program, 'keys', 'the keys of the installation: what agents know it by')
    .usage('[options] | list | rotate <server|module> | retire <key>')
    .action((options: object) => done(import('../commands/keys.ts').then(m => m.listKeys(context, options))))
    .addHelpText('after', examples('reops keys', 'reops keys rotate server', 'reops keys retire last'))
  add(keys, 'list', 'the public keys, and which are in use')
    .action((options: object) =>
      done(import('../commands/keys.ts').then(m => m.listKeys(context, merged(keys, options)))),
    )
    .addHelpText('after', examples('reops keys list'))
  add(keys, 'rotate', 'a new key, in a keyset of a higher serial that the root key signs')
    .argument('<kind>', 'server (brokers) or module (live modules)')
    .addOption(
      new Option('--step <step>', 'of a server key: publish it, switch to it, or both (default)').choices([
        'publish',
        'switch',
        'both',
      ]),
    )
    .action((kind: string, options: object) =>
      done(import('../commands/keys.ts').then(m => m.rotateKeys(context, kind, merged(keys, options)))),
    )
    .addHelpText(
      'after',
      examples(
        'reops keys rotate server --step publish   # agents learn the next key',
        'reops keys rotate server --step switch    # later: brokers use it',
        'reops keys rotate module',
      ),
    )
  add(keys, 'retire', 'publish a key no more')
    .argument('<key>', 'a public key, the beginning of one, or `last` for the server key before')
    .action((word: string, options: object) =>
      done(import('../commands/keys.ts').then(m => m.retireKey(context, word, merged(keys, options)))),
    )
    .addHelpText('after', examples('reops keys retire last'))

  add(program, 'audit', 'what happened to identities, keys and hosts, newest first')
    .option('--host <host>', 'only of this one (name or id)')
    .option('--action <action>', 'only these, for example host.revoked; `host.` for all that begin so')
    .option('--limit <n>', 'how many', '30')
    .action((options: object) => done(import('../commands/audit.ts').then(m => m.showAudit(context, options))))
    .addHelpText('after', examples('reops audit', 'reops audit --action enrol. --limit 100'))
}

import { Option } from 'commander'
import { examples, merged, wordKinds, type Kit } from './kit.ts'

/** `reops words`: names for sizes, images, regions, types and presets. */
export const addWords = ({ program, context, done, add }: Kit): void => {
  const words = add(program, 'words', 'names for sizes, images, regions, types and presets of machines')
    .usage('[options] | list | apply <file> | export | remove <kind> <name>')
    .action((options: object) => done(import('../commands/words.ts').then(m => m.listWords(context, options))))
    .addHelpText('after', examples('reops words', 'reops words apply machines.yml --dry-run'))
  add(words, 'list', 'the words, those that come with re-core too')
    .addOption(new Option('--kind <kind>', 'of this kind').choices(wordKinds))
    .action((options: object) =>
      done(import('../commands/words.ts').then(m => m.listWords(context, merged(words, options)))),
    )
    .addHelpText('after', examples('reops words list --kind sizes'))
  add(words, 'apply', 'make the words what a file (YAML or JSON) says; shows what changes, all or none')
    .argument('<file>', 'for example machines.yml; - is standard input')
    .option('--dry-run', 'only show what would change')
    .option('--prune', 'take away saved words that are not in the file')
    .action((file: string, options: object) =>
      done(import('../commands/words.ts').then(m => m.applyFile(context, file, merged(words, options)))),
    )
    .addHelpText(
      'after',
      `
A file:
  sizes:   { small: { on: { ec2: t3a.small, digitalocean: s-1vcpu-1gb } }, db: { on: { ec2: r6i.large }, options: { diskGb: 100 } } }
  regions: { home: { on: { ec2: eu-central-1, digitalocean: fra1 } } }
  presets: { cheap: { options: { market: spot } } }
  types:   { web: { size: small, image: debian-12, region: home, labels: { role: web }, presets: [cheap] } }
What is said of a machine: preset \`default\` < the type's presets < the type < --preset < the size < what is given.
${examples('reops words apply machines.yml --dry-run', 'reops words apply machines.yml --prune')}`,
    )
  add(words, 'export', 'the saved words as YAML, for `reops words apply`')
    .action((options: object) =>
      done(import('../commands/words.ts').then(m => m.exportWords(context, merged(words, options)))),
    )
    .addHelpText('after', examples('reops words export > machines.yml'))
  add(words, 'remove', 'forget a saved word; what came with re-core under its name counts again')
    .argument('<kind>', wordKinds.join(', '))
    .argument('<name>')
    .action((kind: string, name: string, options: object) =>
      done(import('../commands/words.ts').then(m => m.removeWord(context, [kind, name], merged(words, options)))),
    )
    .addHelpText('after', examples('reops words remove types web'))
}

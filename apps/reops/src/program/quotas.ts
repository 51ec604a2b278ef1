import { examples, merged, type Kit } from './kit.ts'

/** `reops quotas`. */
export const addQuotas = ({ program, context, done, add }: Kit): void => {
  const quotas = add(program, 'quotas', 'how many systems each may have, by the subject of their token')
    .usage('[options] | set <subject> | remove <subject>')
    .action((options: object) => done(import('../commands/quotas.ts').then(m => m.listQuotas(context, options))))
    .addHelpText('after', examples('reops quotas', 'reops quotas set ci --max-systems 20'))
  add(quotas, 'set', 'allow so many; what is there already stays')
    .argument('<subject>', 'of a token; *: each that has no quota of its own')
    .requiredOption('--max-systems <n>', 'systems it asked for that are not gone, at most')
    .action((subject: string, options: object) =>
      done(import('../commands/quotas.ts').then(m => m.setQuota(context, subject, merged(quotas, options)))),
    )
    .addHelpText('after', examples('reops quotas set ci --max-systems 20', "reops quotas set '*' --max-systems 5"))
  add(quotas, 'remove', 'take a quota away; that of * holds again, or none')
    .argument('<subject>')
    .action((subject: string, options: object) =>
      done(import('../commands/quotas.ts').then(m => m.removeQuota(context, subject, merged(quotas, options)))),
    )
    .addHelpText('after', examples('reops quotas remove ci'))
}

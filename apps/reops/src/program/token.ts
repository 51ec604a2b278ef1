import { examples, listOf, type Kit } from './kit.ts'

/** `reops token`. */
export const addToken = ({ parts, context, done, add, group }: Kit): void => {
  const token = group('token', 'API tokens, for programs and for curl')
  add(token, 'show', 'what the token in use may do, and until when')
    .option('--value', 'print the token itself')
    .action((options: object) => done(import('../commands/token.ts').then(m => m.showToken(context, options))))
    .addHelpText(
      'after',
      examples(
        'reops token show',
        'curl -H "authorization: Bearer $(reops token show --value)" http://127.0.0.1:7020/v1/hosts',
      ),
    )
  add(token, 'create', 'sign a new token with the key of this installation')
    .requiredOption('--subject <name>', 'who it is for; named in runs and in the audit')
    .requiredOption('--scope <scope>', 'what it may do; may be given again, or with commas', listOf)
    .option('--ttl <duration>', 'how long it is good for', '30d')
    .action((options: { subject: string; scope: string[]; ttl: string }) =>
      done(import('../commands/token.ts').then(m => m.createToken(context, options, parts.environment))),
    )
    .addHelpText('after', examples('reops token create --subject ci --scope runs:write,hosts:read --ttl 7d'))
}

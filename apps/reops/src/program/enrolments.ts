import { examples, listOf, type Kit } from './kit.ts'

/** `reops enrolments`. */
export const addEnrolments = ({ context, done, add, group }: Kit): void => {
  const enrolments = group('enrolments', 'let hosts join that are not made by `systems create`')
  add(enrolments, 'list', 'enrolments that still let a host in; tokens are not shown again')
    .option('--all', 'those that are used, expired or revoked, too')
    .option('--limit <n>', 'how many', '100')
    .action((options: object) =>
      done(import('../commands/enrolments.ts').then(m => m.listEnrolments(context, options))),
    )
    .addHelpText('after', examples('reops enrolments list', 'reops enrolments list --all --json'))
  add(enrolments, 'revoke', 'its token lets nobody in any more; who came in by it stays')
    .argument('<id>', 'an id, or its beginning or end')
    .action((id: string, options: object) =>
      done(import('../commands/enrolments.ts').then(m => m.revokeEnrolment(context, id, options))),
    )
    .addHelpText('after', examples('reops enrolments revoke 7c1f'))
  add(enrolments, 'create', 'make a join token; prints how to start an agent with it')
    .option('--name <name>', 'the name the host gets')
    .option('--label <key=value>', 'a label its hosts get; may be given again', listOf)
    .option('--uses <n>', 'how many hosts may join with it (default 1)')
    .option('--ttl <duration>', 'how long it is good for (default 1h)')
    .option('--source <cidr>', 'addresses that may use it; may be given again', listOf)
    .action((options: object) =>
      done(import('../commands/enrolments.ts').then(m => m.createEnrolment(context, options))),
    )
    .addHelpText('after', examples('reops enrolments create --label role=web --uses 10 --ttl 2h'))
}

import { examples, merged, type Kit } from './kit.ts'

/** `reops operations` and `reops modules`. */
export const addOperations = ({ program, context, done, add, group }: Kit): void => {
  const operations = add(program, 'operations', 'what can be run; `show` one with its input')
    .usage('[options] [word] | show <name>')
    .argument('[word]', 'only those with this in their name')
    .action((word: string | undefined, options: object) =>
      done(import('../commands/operations.ts').then(m => m.listOperations(context, word, options))),
    )
    .addHelpText('after', examples('reops operations', 'reops operations file', 'reops operations show shell'))
  add(operations, 'show', 'one operation: its input, what it gives, an example')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('../commands/operations.ts').then(m => m.showOperation(context, name, merged(operations, options)))),
    )
    .addHelpText('after', examples('reops operations show process.list'))

  const modules = group('modules', 'code that was pushed: list it, revoke it')
  add(modules, 'list', 'the modules, who pushed them, and what they offer')
    .option('--limit <n>', 'how many', '20')
    .action((options: object) => done(import('../commands/modules.ts').then(m => m.listModules(context, options))))
    .addHelpText('after', examples('reops modules list', 'reops modules list --json'))
  add(modules, 'revoke', 'a module runs nowhere any more; asks first')
    .argument('<hash>', 'its hash, or at least eight characters of its beginning')
    .option('-y, --yes', 'do not ask')
    .action((hash: string, options: object) =>
      done(import('../commands/modules.ts').then(m => m.revokeModule(context, hash, options))),
    )
    .addHelpText('after', examples('reops modules revoke 4f2a9c1e'))
}

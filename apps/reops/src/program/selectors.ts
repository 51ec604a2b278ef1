import { examples, merged, type Kit } from './kit.ts'

/** `reops selectors`. */
export const addSelectors = ({ program, context, done, add }: Kit): void => {
  const selectors = add(program, 'selectors', 'selectors under a name, for `@name` in others')
    .usage('[options] | list | save <name> <selector> | remove <name>')
    .action((options: object) => done(import('../commands/selectors.ts').then(m => m.listSelectors(context, options))))
    .addHelpText(
      'after',
      examples("reops selectors save web 'role=web and not env=test'", "reops run uptime --on '@web'"),
    )
  add(selectors, 'list', 'the saved selectors')
    .action((options: object) =>
      done(import('../commands/selectors.ts').then(m => m.listSelectors(context, merged(selectors, options)))),
    )
    .addHelpText('after', examples('reops selectors list'))
  add(selectors, 'save', 'save a selector, or change a saved one; it may name others')
    .argument('<name>')
    .argument('<selector>')
    .option('--doc <line>', 'what it is for')
    .action((name: string, on: string, options: object) =>
      done(
        import('../commands/selectors.ts').then(m => m.saveSelector(context, [name, on], merged(selectors, options))),
      ),
    )
    .addHelpText('after', examples("reops selectors save canary '@web and web-[1-3]' --doc 'first to get news'"))
  add(selectors, 'remove', 'remove a saved selector that no other stands on')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('../commands/selectors.ts').then(m => m.removeSelector(context, name, merged(selectors, options)))),
    )
    .addHelpText('after', examples('reops selectors remove canary'))
}

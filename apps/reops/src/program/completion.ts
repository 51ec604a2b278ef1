import { examples, type Kit } from './kit.ts'

/** `reops completion`, and what its scripts ask. */
export const addCompletion = ({ program, parts, context, done, configured }: Kit): void => {
  configured(program.command('completion'))
    .description('teach your shell to complete commands, operations, hosts')
    .argument('<shell>', 'bash, zsh or fish')
    .action((shell: string) => done(import('../commands/completion.ts').then(m => m.printCompletion(context, shell))))
    .addHelpText(
      'after',
      examples(
        'eval "$(reops completion bash)"      # in ~/.bashrc',
        'eval "$(reops completion zsh)"       # in ~/.zshrc, behind compinit',
        'reops completion fish | source       # in ~/.config/fish/config.fish',
      ),
    )
  // For the scripts of `completion` alone: what may stand where the cursor is.
  configured(program.command('complete', { hidden: true })).action(() =>
    done(
      import('../commands/completion.ts').then(m =>
        m.printCandidates(context, program, parts.command ?? [], parts.environment),
      ),
    ),
  )
}

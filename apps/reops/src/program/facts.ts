import { examples, type Kit } from './kit.ts'

/** `reops facts`. */
export const addFacts = ({ context, done, add, group, selecting }: Kit): void => {
  const facts = group('facts', 'what is known of hosts, for `fact:` in selectors')
  selecting(add(facts, 'refresh', 'read the facts of hosts anew and keep them'), 'hosts')
    .option('--custom', 'those that owners of hosts wrote into /etc/re-ops/facts.d, for `fact:custom.NAME`')
    .option('--timeout <duration>', 'of each call, for example 10s')
    .option('--wait-online <duration>', 'wait so long for hosts that are offline')
    .action(({ custom, ...options }: { custom?: boolean }) =>
      done(
        import('../commands/run.ts').then(m =>
          m.run(context, [custom === true ? 'facts.custom' : 'facts'], null, { on: '*', ...options }),
        ),
      ),
    )
    .addHelpText('after', examples('reops facts refresh', "reops facts refresh --on 'role=web' --wait-online 1m"))
}

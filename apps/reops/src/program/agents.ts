import type { Command } from 'commander'
import { examples, merged, type Kit } from './kit.ts'

/** `reops agents`. */
export const addAgents = ({ program, context, done, add, selecting }: Kit): void => {
  const agents = selecting(add(program, 'agents', 'agents of hosts: put them onto SSH hosts, take them away'), 'agents')
    .usage('[options] | list | deploy | upgrade | remove | revoke <host...>')
    .action((options: object) => done(import('../commands/agents.ts').then(m => m.listAgents(context, options))))
    .addHelpText('after', examples('reops agents', "reops agents deploy --on 'role=web'"))
  selecting(add(agents, 'list', 'agents: version and build, age of their keys, session, where they are'), 'agents')
    .action((options: object) =>
      done(import('../commands/agents.ts').then(m => m.listAgents(context, merged(agents, options)))),
    )
    .addHelpText('after', examples('reops agents list', "reops agents list --on 'role=web' --json"))
  const deploying = (command: Command): Command =>
    selecting(command, 'hosts')
      .option('--canary <n>', 'so many hosts first; if one of them fails the others are skipped')
      .option('--parallel <n>', 'hosts at the same time (default 8)')
      .option('--home <duration>', 'how long a started agent has until it has called home (default 1m)')
  deploying(add(agents, 'deploy', 'put an agent onto SSH hosts, and wait until it has called home'))
    .option('--prefix <folder>', 'where it is put on the host (default /opt/re-gent)')
    .option('--no-become', 'as the login user, not as root')
    .option('--url <url>', 'where the hosts reach re-mote (default: its REMOTE_ADVERTISE)')
    .action((options: object) =>
      done(import('../commands/agents.ts').then(m => m.deployAgents(context, merged(agents, options), 'deploy'))),
    )
    .addHelpText(
      'after',
      examples(
        "reops agents deploy --on 'role=web'",
        'reops agents deploy --on web-1 --no-become --prefix /srv/deploy/re-gent',
      ),
    )
  deploying(add(agents, 'upgrade', 'give deployed agents the newest build; one that does not call home goes back'))
    .action((options: object) =>
      done(import('../commands/agents.ts').then(m => m.deployAgents(context, merged(agents, options), 'upgrade'))),
    )
    .addHelpText('after', examples("reops agents upgrade --on '*'", "reops agents upgrade --on 'role=web' --canary 3"))
  selecting(add(agents, 'remove', 'undo a deployment: processes, files, identity'), 'hosts')
    .option('--parallel <n>', 'hosts at the same time (default 8)')
    .option('-y, --yes', 'do not ask')
    .action((options: object) =>
      done(import('../commands/agents.ts').then(m => m.removeAgents(context, merged(agents, options)))),
    )
    .addHelpText('after', examples("reops agents remove --on 'role=web'"))
  selecting(add(agents, 'revoke', 'accept agents no more; hosts with SSH settings are reached over SSH again'), 'hosts')
    .argument('[host...]', 'names or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('../commands/hosts.ts').then(m => m.revokeAgents(context, names, merged(agents, options)))),
    )
    .addHelpText('after', examples('reops agents revoke web-3'))
}

import { examples, listOf, type Kit } from './kit.ts'

/** `reops ssh` and `reops console`: onto one machine, by hand. */
export const addReach = ({ program, parts, context, done, configured }: Kit): void => {
  configured(program.command('ssh'))
    .description('log in over SSH with the ssh of this machine, by what is known of the system or host')
    .usage('<system|host> [options] [-- command...]')
    .argument('<name>', 'name or id of a system or a host')
    .argument('[command...]', 'what to run there instead of a shell; behind `--`, or it is refused')
    .option('-l, --user <user>', "who logs in (default: the host's, the image's, else root)")
    .option('-p, --port <port>', 'another port')
    .option('-i, --identity <file>', 'a private key; may be given again', listOf)
    .option('-o, --option <key=value>', 'an option of ssh; may be given again', listOf)
    .option('--print', 'only show the command')
    .action((name: string, words: string[], options: object) =>
      done(import('../commands/ssh.ts').then(m => m.ssh(context, name, { command: parts.command, words }, options))),
    )
    .addHelpText(
      'after',
      `${examples('reops ssh web-1', 'reops ssh web-1 -l admin -- uptime', "reops ssh web-1 -o 'LocalForward=8080 localhost:80'")}
The exit code is that of ssh. Keys of the host that its agent told, or that re-mote trusts, are the only ones accepted.
`,
    )
  configured(program.command('console'))
    .description('the console of a machine, as at its screen; where there is none, what it said')
    .argument('<system>', 'name or id')
    .option('--force', 'take it from whoever has it open')
    .action((system: string, options: object) =>
      done(import('../commands/console.ts').then(m => m.openConsole(context, system, options))),
    )
    .addHelpText(
      'after',
      `${examples('reops console web-1')}
Ctrl-] leaves. kvm: its serial console, both ways. EC2: what it wrote so far. local: the log of its agent. DigitalOcean has none.
`,
    )
}

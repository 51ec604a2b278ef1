import { Command, CommanderError, Option } from 'commander'
import type { Context } from './context.ts'

/** What `--help` and the rules of parsing need; the commands themselves are loaded when they run. */
export type Parts = {
  readonly context: Context
  /** What stood behind `--`, for `run` alone. */
  readonly command: readonly string[] | null
  readonly version: string
  readonly environment: NodeJS.ProcessEnv
  /** Takes the exit code of the command that ran. */
  readonly finish: (code: number) => void
  /** Where help goes: to stdout when asked for, to stderr when a command is missing. */
  readonly write: { readonly out: (text: string) => void; readonly error: (text: string) => void }
}

const examples = (...lines: readonly string[]) => `\nExamples:\n${lines.map(line => `  $ ${line}`).join('\n')}\n`
// The words of @re-ops/protocols, whose schemas take too long to load for a help text; a test compares them.
export const providers = ['local', 'kvm', 'ec2', 'digitalocean']
export const inventoryFormats = ['yaml', 'json', 'ansible', 'ansible-yaml'] as const
export const readiness = ['agent', 'ssh', 'none']
const listOf = (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value]

export const makeProgram = (parts: Parts): Command => {
  const { context, finish, write } = parts
  const program = new Command('reops')
  const done = (work: Promise<number>) => work.then(finish)
  const configured = (command: Command): Command =>
    command
      .exitOverride()
      .configureOutput({ writeOut: write.out, writeErr: write.error, outputError: () => undefined })
      .helpCommand(false)
      .helpOption('-h, --help', 'this text')
  const add = (parent: Command, name: string, description: string): Command =>
    configured(parent.command(name)).description(description).option('--json', 'for programs: JSON on stdout')
  const group = (name: string, description: string): Command =>
    configured(program.command(name)).description(description)
  const selecting = (command: Command, what: string): Command =>
    command
      .option('--on <selector>', `the ${what} that the selector picks`)
      .option('--allow-none', 'a selector that matches nothing is not an error')
  const waiting = (command: Command): Command =>
    command
      .option('--wait', 'until it is done; prints how long each phase took')
      .option('--timeout <duration>', 'how long to wait', '10m')

  configured(program)
    .description('Create machines, run typed operations on all of them, see folded results.')
    .version(parts.version, '-V, --version', 'the version')
    .showSuggestionAfterError(true)
    .addHelpText(
      'after',
      `${examples(
        'reops hosts',
        "reops run facts --on '*'",
        "reops run disk --on 'role=web and not env=prod'",
        "reops run --on 'web-[1-3]' -- uname -r",
        'reops systems create --name demo --count 3 --type web --wait',
      )}
\`reops help <command>\` has examples of each.
Finds the cluster by .reops/cluster.json in this folder or one above, or by REOPS_CORE_URL, REOPS_MOTE_URL, REOPS_TOKEN.
Exit codes: 0 all ok · 1 some target failed · 2 wrong usage, or a selector that matches nothing · 3 unreachable or not allowed
`,
    )

  const hosts = selecting(add(program, 'hosts', 'the hosts, and which are online'), 'hosts')
    .usage(
      '[options] | show <host> | add <name> | rename <host> <name> | label <host> <key=value...> | remove <host...> | revoke <host...>',
    )
    .action((options: object) => done(import('./commands/hosts.ts').then(m => m.listHosts(context, options))))
    .addHelpText(
      'after',
      examples('reops hosts', "reops hosts --on 'fact:os=debian' --json", 'reops hosts revoke web-3'),
    )
  add(hosts, 'show', 'all about one host: state, agent, labels, facts')
    .argument('<host>', 'a name or an id')
    .action((host: string, options: object) =>
      done(import('./commands/host.ts').then(m => m.showHost(context, host, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts show web-3'))
  add(hosts, 'rename', 'give a host another name; its id stays')
    .argument('<host>', 'a name or an id')
    .argument('<name>')
    .action((host: string, name: string, options: object) =>
      done(import('./commands/host.ts').then(m => m.renameHost(context, [host, name], merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts rename web-3 db-1'))
  selecting(add(hosts, 'label', 'set labels of hosts, and take some away'), 'hosts')
    .usage('<host> <key=value...> [key-...]\n       reops hosts label --on <selector> <key=value...> [key-...]')
    .argument('[word...]', 'the host (without --on), then key=value to set a label, key- to take it away')
    .action((words: string[], options: object) =>
      done(import('./commands/host.ts').then(m => m.labelHosts(context, words, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts label web-3 role=web env-', "reops hosts label --on 'web-*' role=web"))
  selecting(add(hosts, 'revoke', 'accept the identity of hosts no more'), 'hosts')
    .argument('[host...]', 'names or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('./commands/hosts.ts').then(m => m.revokeHosts(context, names, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts revoke web-3', "reops hosts revoke --on 'env=old' --yes"))

  selecting(add(hosts, 'release', 'lift the quarantine of hosts that looked like copies'), 'hosts')
    .argument('[host...]', 'names or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('./commands/release.ts').then(m => m.releaseHosts(context, names, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts release web-3', "reops hosts release --on 'env=lab' --yes"))

  add(hosts, 'add', 'add a host that is reached over SSH')
    .argument('<name>', 'how it is called here')
    .requiredOption('--ssh <target>', '[user@]address[:port]; the user is root by default')
    .option(
      '--identity <reference>',
      'private key: secret:ssh/NAME, or file:NAME in the SSH folder of the service; may be given again',
      listOf,
    )
    .option('--key-file <file>', 'store this private key as secret:ssh/<name> and use it; - is standard input')
    .option('--passphrase <reference>', 'of the private keys')
    .option('--password <reference>', 'the last resort')
    .option('--become <reference>', 'the password that sudo asks for')
    .option('--agent', "also try the keys of the service's ssh-agent")
    .option('--jump <name>', 'the SSH host to go through')
    .option('--host-key <key>', 'a public host key to trust, `type key`; may be given again', listOf)
    .option('--accept-new', 'trust the host key of the first connection')
    .addOption(new Option('--backend <backend>', 'who connects (default ssh2)').choices(['ssh2', 'openssh']))
    .option('--label <key=value>', 'a label; may be given again', listOf)
    .option('--change', 'when there is a host of this name, give it these settings')
    .action((name: string, options: object) =>
      done(
        import('./commands/ssh-hosts.ts').then(m =>
          m.addHost(context, name, merged(hosts, options) as Parameters<typeof m.addHost>[2]),
        ),
      ),
    )
    .addHelpText(
      'after',
      examples(
        'reops hosts add web-1 --ssh deploy@10.0.0.7 --key-file ~/.ssh/id_ed25519 --accept-new --label role=web',
        'reops hosts add db-1 --ssh 10.1.0.2:2222 --identity secret:ssh/web-1 --jump web-1',
      ),
    )
  selecting(add(hosts, 'remove', 'remove hosts that are reached over SSH'), 'hosts')
    .argument('[host...]', 'names or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('./commands/hosts.ts').then(m => m.removeHosts(context, names, merged(hosts, options)))),
    )
    .addHelpText('after', examples('reops hosts remove web-1'))

  const secrets = group('secrets', 'texts the services keep encrypted; nobody reads them back')
  add(secrets, 'set', 'store a secret, from standard input')
    .argument('<name>', 'for SSH: ssh/NAME')
    .option('--file <file>', 'read it from there')
    .action((name: string, options: object) =>
      done(import('./commands/ssh-hosts.ts').then(m => m.setSecret(context, name, options))),
    )
    .addHelpText('after', examples('reops secrets set ssh/web --file ~/.ssh/id_ed25519'))
  add(secrets, 'remove', 'forget a secret')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('./commands/ssh-hosts.ts').then(m => m.removeSecret(context, name, options))),
    )
    .addHelpText('after', examples('reops secrets remove ssh/web'))

  selecting(add(program, 'run', 'run an operation, or a command, on hosts'), 'hosts')
    .usage(
      '<operation> [key=value ...] [key:=json ...] --on <selector>\n       reops run --on <selector> [options] -- <command...>',
    )
    .argument('[operation]', 'see `reops operations`; or a file that exports one: ops.ts, ops.ts#name')
    .argument('[input...]', 'key=value, typed by the schema of the operation (lists with commas); key:=json as it is')
    .option('--timeout <duration>', 'of each call, for example 10s')
    .option(
      '--wait-online <duration>',
      'wait so long for hosts that are offline; without it they are unreachable at once',
    )
    .option(
      '--summary [fields]',
      "results taken together: the operation's own summary, or field:function,...;field:...",
    )
    .option('--group-by <field>', 'taken together in groups, by the value of a field')
    .option('--canary <hosts>', 'a number or share (5%) of hosts first; the others only when these end well')
    .option('--batch <hosts>', 'a number or share of hosts at a time; as one ends the next begins')
    .option('--serial <hosts>', 'in batches of a number or share of hosts, each after the last has ended')
    .option('--batch-wait <duration>', 'how long a host keeps its place after its end; a pause between batches')
    .option('--concurrency <n>', 'hosts at work at a time, at most')
    .option('--max-failures <hosts>', 'a number or share of hosts that may fail; with more no other begins')
    .option('--cancel-running', 'when too many fail, cancel hosts at work as well')
    .option('--deadline <duration>', 'of the whole run: then who has not begun is skipped, the others are cancelled')
    .option('--dry-run', 'only say what would change; operations that cannot are not asked')
    .option('--detach', 'do not wait; prints the id of the run')
    .action((operation: string | undefined, input: string[], options: object) =>
      done(
        import('./commands/run.ts').then(m =>
          m.run(context, operation === undefined ? [] : [operation, ...input], parts.command, options),
        ),
      ),
    )
    .addHelpText(
      'after',
      `${examples(
        "reops run uptime --on '*'",
        "reops run process.list top=3 by=memory --on 'role=web'",
        "reops run examples/certificate.ts path=/etc/ssl/certs/site.pem --on 'role=web'",
        'reops run shell argv:=\'["df","-h"]\' timeoutMs=5000 --on \'web-*\'',
        "reops run --on 'web-[1-3] or db-1' --timeout 10s -- systemctl is-active nginx",
        "reops run facts --on '*' --json | jq -r 'select(.ok) | .host'",
        "reops run memory --on '*' --summary 'used:mean,p95,top3' --wait-online 30s",
        "reops run facts --on '*' --group-by os.pretty",
        "reops run package.upgrade names=openssl --on 'role=web' --canary 5% --batch 20 --max-failures 2%",
        "reops run service.restart name=nginx --on 'role=web' --serial 10 --batch-wait 30s --deadline 1h",
        "reops run package.upgrade names=openssl --on 'role=web' --dry-run",
      )}
Selectors: * · name · web-* · web[1-9] · key=value · fact:os=debian · != · in (a, b) · and · or · not · ( ) · @saved
Summaries: count sum min max mean p50 p95 p99.9 histogram buckets buckets(1,10) top5 bottom5, of fields such as mounts.used
Ctrl-C cancels the run and shows what ended how; a second one leaves at once.
`,
    )

  const inventory = group('inventory', 'hosts from elsewhere, and for elsewhere')
  add(inventory, 'import', 'take over hosts of a file (YAML, JSON), an Ansible inventory (INI, YAML) or an ssh config')
    .argument('[file]', 'the file; - is standard input')
    .option(
      '--ansible',
      'an Ansible inventory: groups become labels group/NAME=true, variables labels; no secret is copied',
    )
    .option('--ssh-config [file]', 'hosts and known host keys of an ssh config (default ~/.ssh/config)')
    .option('--with-keys', 'with --ssh-config: private keys as well; the service keeps them encrypted')
    .option('--change', 'hosts that are there become what the file says')
    .option('--dry', 'only show what the file holds')
    .action((file: string | undefined, options: object) =>
      done(import('./commands/inventory.ts').then(m => m.importInventory(context, file, options))),
    )
    .addHelpText(
      'after',
      examples(
        'reops inventory import hosts.yml',
        'reops inventory import --ansible inventory.ini --dry',
        'reops inventory import --ssh-config',
        'reops inventory import --ssh-config ./config --with-keys',
      ),
    )
  selecting(configured(inventory.command('export')).description('the hosts as an inventory, on stdout'), 'hosts')
    .addOption(new Option('--format <format>', 'its form').choices(inventoryFormats).default('yaml'))
    .action((options: { format: (typeof inventoryFormats)[number] }) =>
      done(import('./commands/inventory-file.ts').then(m => m.exportInventory(context, options))),
    )
    .addHelpText('after', examples("reops inventory export --format ansible --on 'role=web' > inventory.ini"))

  const facts = group('facts', 'what is known of hosts, for `fact:` in selectors')
  selecting(add(facts, 'refresh', 'read the facts of hosts anew and keep them'), 'hosts')
    .option('--custom', 'those that owners of hosts wrote into /etc/re-ops/facts.d, for `fact:custom.NAME`')
    .option('--timeout <duration>', 'of each call, for example 10s')
    .option('--wait-online <duration>', 'wait so long for hosts that are offline')
    .action(({ custom, ...options }: { custom?: boolean }) =>
      done(
        import('./commands/run.ts').then(m =>
          m.run(context, [custom === true ? 'facts.custom' : 'facts'], null, { on: '*', ...options }),
        ),
      ),
    )
    .addHelpText('after', examples('reops facts refresh', "reops facts refresh --on 'role=web' --wait-online 1m"))

  const selectors = add(program, 'selectors', 'selectors under a name, for `@name` in others')
    .usage('[options] | list | save <name> <selector> | remove <name>')
    .action((options: object) => done(import('./commands/selectors.ts').then(m => m.listSelectors(context, options))))
    .addHelpText(
      'after',
      examples("reops selectors save web 'role=web and not env=test'", "reops run uptime --on '@web'"),
    )
  add(selectors, 'list', 'the saved selectors')
    .action((options: object) =>
      done(import('./commands/selectors.ts').then(m => m.listSelectors(context, merged(selectors, options)))),
    )
    .addHelpText('after', examples('reops selectors list'))
  add(selectors, 'save', 'save a selector, or change a saved one; it may name others')
    .argument('<name>')
    .argument('<selector>')
    .option('--doc <line>', 'what it is for')
    .action((name: string, on: string, options: object) =>
      done(
        import('./commands/selectors.ts').then(m => m.saveSelector(context, [name, on], merged(selectors, options))),
      ),
    )
    .addHelpText('after', examples("reops selectors save canary '@web and web-[1-3]' --doc 'first to get news'"))
  add(selectors, 'remove', 'remove a saved selector that no other stands on')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('./commands/selectors.ts').then(m => m.removeSelector(context, name, merged(selectors, options)))),
    )
    .addHelpText('after', examples('reops selectors remove canary'))

  const files = group('files', 'files and folders to and from hosts: sent once, in chunks, verified')
  const toHosts = (command: Command, where: string): Command =>
    command
      .requiredOption('--on <where>', where)
      .option('--timeout <duration>', 'of each host', '1h')
      .option('--wait-online <duration>', 'wait so long for hosts that are offline')
      .option('--allow-none', 'a selector that matches nothing is not an error')
      .option('--become <user>', 'as this user on the hosts, by sudo')
  const placing = (command: Command): Command =>
    command
      .option('--owner <user>', 'who owns it there')
      .option('--group <group>', 'whose group it is there')
      .option('--dry-run', 'only show what would change')
  placing(
    toHosts(
      add(files, 'push', 'put a local file on hosts'),
      'SELECTOR:/path; behind a slash at the end the name is kept',
    ),
  )
    .argument('<file>', 'a local file')
    .option('--mode <octal>', 'its permissions there (default: as they were, or what the umask leaves)')
    .option('--parents', 'make the folders above it')
    .action((file: string, options: object) =>
      done(import('./commands/files.ts').then(m => m.pushFile(context, file, options))),
    )
    .addHelpText(
      'after',
      examples(
        "reops files push app.tar --on 'role=web:/opt/app/' --mode 0644 --parents",
        "reops files push motd --on '*:/etc/motd' --dry-run",
      ),
    )
  placing(
    toHosts(
      add(files, 'sync', 'make a folder on hosts hold what a local one does; only what differs is sent'),
      'SELECTOR:/path of the folder there',
    ),
  )
    .argument('<folder>', 'a local folder')
    .option('--delete', 'remove there what is not in the local folder')
    .option('--parents', 'make the folders above it')
    .action((folder: string, options: object) =>
      done(import('./commands/files-sync.ts').then(m => m.syncFolder(context, folder, options))),
    )
    .addHelpText(
      'after',
      examples(
        "reops files sync ./www --on 'role=web:/srv/www' --delete --dry-run",
        "reops files sync ./www --on 'role=web:/srv/www' --delete",
      ),
    )
  placing(
    toHosts(
      add(files, 'template', 'put on each host what a Liquid template gives for it'),
      'SELECTOR:/path; behind a slash at the end the name is kept (without .liquid)',
    ),
  )
    .argument('<file>', 'a local file, for example with {{ host.name }}, {{ labels.role }}, {{ facts.os.pretty }}')
    .option(
      '--set <key=value>',
      'a variable of the template; key:=json for other than texts; may be given again',
      listOf,
    )
    .option('--mode <octal>', 'its permissions there (default: as they were, or what the umask leaves)')
    .option('--parents', 'make the folders above it')
    .action((file: string, options: object) =>
      done(import('./commands/files-template.ts').then(m => m.pushTemplate(context, file, options))),
    )
    .addHelpText('after', examples("reops files template motd.liquid --on '*:/etc/motd' --set contact=ops@example.org"))
  toHosts(
    add(files, 'pull', 'take a file of each host into a local folder'),
    'SELECTOR:/path; with a slash at the end it is a folder',
  )
    .argument('<folder>', 'where: each host gets a folder of its name in it')
    .action((folder: string, options: object) =>
      done(import('./commands/files-pull.ts').then(m => m.pullFiles(context, folder, options))),
    )
    .addHelpText(
      'after',
      examples(
        "reops files pull ./got --on 'role=web:/etc/nginx/nginx.conf'",
        "reops files pull ./got --on '*:/etc/apt/'",
      ),
    )
  placing(add(files, 'copy', 'from one host to others, by way of the service'))
    .argument('<from>', 'HOST:/path; with a slash at the end it is a folder')
    .requiredOption('--to <where>', 'SELECTOR:/path')
    .option('--mode <octal>', 'of a file; default: as it is there')
    .option('--delete', 'of a folder: remove what is not in it')
    .option('--parents', 'make the folders above it')
    .option('--timeout <duration>', 'of each host', '1h')
    .option('--wait-online <duration>', 'wait so long for hosts that are offline')
    .option('--become <user>', 'as this user on the hosts, by sudo')
    .action((from: string, options: object) =>
      done(import('./commands/files-copy.ts').then(m => m.copyFiles(context, from, options))),
    )
    .addHelpText('after', examples("reops files copy db-1:/etc/hosts --to 'role=web:/etc/hosts'"))
  add(files, 'list', 'the contents that the service stores')
    .action((options: object) => done(import('./commands/files.ts').then(m => m.listFiles(context, options))))
    .addHelpText('after', examples('reops files list', 'reops files list --json'))
  add(files, 'remove', 'forget stored contents; what hosts hold stays')
    .argument('<hash...>', 'SHA-256, as `reops files list` shows it')
    .action((hashes: string[]) => done(import('./commands/files.ts').then(m => m.removeFiles(context, hashes))))
    .addHelpText(
      'after',
      examples('reops files remove 4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865'),
    )

  const systems = group('systems', 'machines: create, list, show, start, stop, protect, reload, destroy')
  waiting(add(systems, 'create', 'create machines'))
    .option('--name <stem>', 'the name; with --count they are stem-1, stem-2, ...')
    .option('--count <n>', 'how many')
    .addOption(new Option('--provider <provider>', 'who makes it (default local)').choices(providers))
    .option('--account <account>', 'whose machine it is at the provider (default: the only one there is)')
    .option('--region <region>', "where (default: the account's first)")
    .option('--zone <zone>', 'within the region; may be given again, tried in order', listOf)
    .option('--spot', 'cheaper, and the provider may take it back')
    .option('--disk <GB>', 'size of its disk')
    .option('--ssh-key <key>', 'a public key that may log in; may be given again', listOf)
    .option('--type <type>', 'named role, for example web')
    .option('--size <size>', 'CPU, memory and disk')
    .option('--image <image>', 'base operating system')
    .option('--label <key=value>', 'a label; may be given again', listOf)
    .addOption(new Option('--readiness <how>', 'what must answer until it is ready (default agent)').choices(readiness))
    .option('--protected', 'destroy and reload are refused until `reops systems unprotect`')
    .action((options: object) => done(import('./commands/systems.ts').then(m => m.createSystems(context, options))))
    .addHelpText(
      'after',
      examples(
        'reops systems create --name demo --count 3 --provider local --type web --label env=test --wait',
        'reops systems create --name web --account aws --region eu-central-1 --size t3.small --image debian-12 --wait',
      ),
    )
  selecting(add(systems, 'list', 'the systems and their phases'), 'systems')
    .option('--all', 'those that are gone, too')
    .action((options: object) => done(import('./commands/systems.ts').then(m => m.listSystems(context, options))))
    .addHelpText(
      'after',
      examples('reops systems list', "reops systems list --on 'type=web and not phase=ready' --json"),
    )
  selecting(add(systems, 'show', 'all about systems'), 'systems')
    .argument('[system...]', 'names, globs or ids')
    .action((names: string[], options: object) =>
      done(import('./commands/systems.ts').then(m => m.showSystems(context, names, options))),
    )
    .addHelpText('after', examples('reops systems show demo-1'))
  const verbs = {
    start: 'power on',
    stop: 'power off; asks first',
    protect: 'refuse destroy and reload, here and at the provider',
    unprotect: 'allow destroy and reload again; asks first',
    reload: 'destroy and create anew, under the same id; asks first',
    destroy: 'destroy for good; asks first',
  } as const
  for (const [verb, description] of Object.entries(verbs)) {
    const command = waiting(selecting(add(systems, verb, description), 'systems'))
      .argument('[system...]', 'names, globs or ids')
      .action((names: string[], options: object) =>
        done(
          import('./commands/systems.ts').then(m =>
            m.actOnSystems(context, verb as keyof typeof verbs, names, options),
          ),
        ),
      )
      .addHelpText(
        'after',
        examples(
          `reops systems ${verb} demo-1 --wait`,
          `reops systems ${verb} --on 'name-* and env=test'`.replace('name-*', 'demo-*'),
        ),
      )
    if (verb !== 'start' && verb !== 'protect') command.option('-y, --yes', 'do not ask')
  }

  add(program, 'jobs', 'what was asked of systems, and how far it is')
    .option('--system <system>', 'only of this one (name or id)')
    .action((options: object) => done(import('./commands/jobs.ts').then(m => m.listJobs(context, options))))
    .addHelpText('after', examples('reops jobs', 'reops jobs --system demo-1 --json'))

  const runs = add(program, 'runs', 'the latest runs; one with all its targets; cancel, pause, resume, retry one')
    .usage('[options] | show <id> | cancel <id> | pause <id> | resume <id> | retry <id>')
    .option('--limit <n>', 'how many', '20')
    .action((options: object) => done(import('./commands/runs.ts').then(m => m.listRuns(context, options))))
    .addHelpText('after', examples('reops runs', 'reops runs show last', 'reops runs cancel 7c1'))
  add(runs, 'show', 'a run and how each of its targets ended')
    .argument('<id>', 'an id, its beginning or end, or `last`')
    .option(
      '--summary [fields]',
      "results taken together: the operation's own summary, or field:function,...;field:...",
    )
    .option('--group-by <field>', 'taken together in groups, by the value of a field')
    .action((id: string, options: object) =>
      done(import('./commands/runs.ts').then(m => m.showRun(context, id, merged(runs, options)))),
    )
    .addHelpText('after', examples('reops runs show last', "reops runs show last --summary 'mounts.used:p95,top3'"))
  add(runs, 'cancel', 'cancel a run; what ended stays as it ended')
    .argument('<id>', 'an id, its beginning or end, or `last`')
    .action((id: string, options: object) =>
      done(import('./commands/runs.ts').then(m => m.cancelRun(context, id, merged(runs, options)))),
    )
    .addHelpText('after', examples('reops runs cancel last'))
  const holds = {
    pause: 'hold back the hosts of a run that have not begun',
    resume: 'let the hosts of a paused run begin',
  } as const
  for (const verb of ['pause', 'resume'] as const)
    add(runs, verb, holds[verb])
      .argument('<id>', 'an id, its beginning or end, or `last`')
      .action((id: string, options: object) =>
        done(import('./commands/runs.ts').then(m => m.holdRun(context, verb, id, merged(runs, options)))),
      )
      .addHelpText('after', examples(`reops runs ${verb} last`))
  add(runs, 'retry', 'the same again, on the hosts that failed')
    .argument('<id>', 'an id, its beginning or end, or `last`')
    .option('--failed', 'all that failed, however (the default)')
    .option('--state <state>', 'only those that ended so, for example unreachable; may be given again', listOf)
    .option('-y, --yes', 'also what may have run already and must not run twice')
    .option('--detach', 'do not wait; prints the id of the run')
    .action((id: string, options: object) =>
      done(import('./commands/retry.ts').then(m => m.retryRun(context, id, merged(runs, options)))),
    )
    .addHelpText('after', examples('reops runs retry last', 'reops runs retry 7c1 --state unreachable --state timeout'))

  configured(program.command('output'))
    .description('what the commands of a run write, as they write it, or wrote, longer than a result shows')
    .argument('<run>', 'an id, its beginning or end, or `last`')
    .argument('[host...]', 'names or ids; all hosts of the run, when they are few')
    .option('--stderr', 'the other stream')
    .action((run: string, names: string[], options: object) =>
      done(import('./commands/output.ts').then(m => m.showOutput(context, run, names, options))),
    )
    .addHelpText(
      'after',
      examples('reops output last', 'reops output last web-1 > dump.sql', 'reops output 7c1 web-1 --stderr'),
    )

  const operations = add(program, 'operations', 'what can be run; `show` one with its input')
    .usage('[options] [word] | show <name>')
    .argument('[word]', 'only those with this in their name')
    .action((word: string | undefined, options: object) =>
      done(import('./commands/operations.ts').then(m => m.listOperations(context, word, options))),
    )
    .addHelpText('after', examples('reops operations', 'reops operations file', 'reops operations show shell'))
  add(operations, 'show', 'one operation: its input, what it gives, an example')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('./commands/operations.ts').then(m => m.showOperation(context, name, merged(operations, options)))),
    )
    .addHelpText('after', examples('reops operations show process.list'))

  const modules = group('modules', 'code that was pushed: list it, revoke it')
  add(modules, 'list', 'the modules, who pushed them, and what they offer')
    .option('--limit <n>', 'how many', '20')
    .action((options: object) => done(import('./commands/modules.ts').then(m => m.listModules(context, options))))
    .addHelpText('after', examples('reops modules list', 'reops modules list --json'))
  add(modules, 'revoke', 'a module runs nowhere any more; asks first')
    .argument('<hash>', 'its hash, or at least eight characters of its beginning')
    .option('-y, --yes', 'do not ask')
    .action((hash: string, options: object) =>
      done(import('./commands/modules.ts').then(m => m.revokeModule(context, hash, options))),
    )
    .addHelpText('after', examples('reops modules revoke 4f2a9c1e'))

  const agents = selecting(add(program, 'agents', 'agents of hosts: put them onto SSH hosts, take them away'), 'agents')
    .usage('[options] | list | deploy | upgrade | remove | revoke <host...>')
    .action((options: object) => done(import('./commands/agents.ts').then(m => m.listAgents(context, options))))
    .addHelpText('after', examples('reops agents', "reops agents deploy --on 'role=web'"))
  selecting(add(agents, 'list', 'agents: version and build, age of their keys, session, where they are'), 'agents')
    .action((options: object) =>
      done(import('./commands/agents.ts').then(m => m.listAgents(context, merged(agents, options)))),
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
      done(import('./commands/agents.ts').then(m => m.deployAgents(context, merged(agents, options), 'deploy'))),
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
      done(import('./commands/agents.ts').then(m => m.deployAgents(context, merged(agents, options), 'upgrade'))),
    )
    .addHelpText('after', examples("reops agents upgrade --on '*'", "reops agents upgrade --on 'role=web' --canary 3"))
  selecting(add(agents, 'remove', 'undo a deployment: processes, files, identity'), 'hosts')
    .option('--parallel <n>', 'hosts at the same time (default 8)')
    .option('-y, --yes', 'do not ask')
    .action((options: object) =>
      done(import('./commands/agents.ts').then(m => m.removeAgents(context, merged(agents, options)))),
    )
    .addHelpText('after', examples("reops agents remove --on 'role=web'"))
  selecting(add(agents, 'revoke', 'accept agents no more; hosts with SSH settings are reached over SSH again'), 'hosts')
    .argument('[host...]', 'names or ids')
    .option('-y, --yes', 'do not ask')
    .action((names: string[], options: object) =>
      done(import('./commands/hosts.ts').then(m => m.revokeAgents(context, names, merged(agents, options)))),
    )
    .addHelpText('after', examples('reops agents revoke web-3'))

  const schedules = add(program, 'schedules', 'operations that agents do every so often by themselves')
    .usage('[options] | list | create <name> | show <name> | remove <name>')
    .action((options: object) => done(import('./commands/schedules.ts').then(m => m.listSchedules(context, options))))
    .addHelpText('after', examples('reops schedules', 'reops schedules create mem --agent memory --every 10s'))
  add(schedules, 'list', 'the schedules, and how far their hosts are')
    .action((options: object) =>
      done(import('./commands/schedules.ts').then(m => m.listSchedules(context, merged(schedules, options)))),
    )
    .addHelpText('after', examples('reops schedules list'))
  add(schedules, 'create', 'let agents sample, online or not; what they sampled offline comes later')
    .argument('<name>')
    .argument('[input...]', 'of the operation: key=value, or key:=json')
    .requiredOption('--agent <operation>', 'what they do; it must only read')
    .requiredOption('--every <duration>', 'from one to the next, at least 1s')
    .option('--on <selector>', 'on these hosts, and those that fit later', '*')
    .option('--timeout <duration>', 'of each (default 10s)')
    .option('--keep <duration>', 'how long samples are kept (default 7d)')
    .action((name: string, input: string[], options: object) =>
      done(
        import('./commands/schedules.ts').then(m =>
          m.createSchedule(
            context,
            [name, ...input],
            merged(schedules, options) as Parameters<typeof m.createSchedule>[2],
          ),
        ),
      ),
    )
    .addHelpText('after', examples("reops schedules create mem --agent memory --every 10s --on 'role=web'"))
  add(schedules, 'show', 'what was sampled, newest first')
    .argument('<name>')
    .option('--host <host>', 'only of this one (name or id)')
    .option('--limit <n>', 'how many', '20')
    .action((name: string, options: object) =>
      done(import('./commands/schedules.ts').then(m => m.showSchedule(context, name, merged(schedules, options)))),
    )
    .addHelpText('after', examples('reops schedules show mem --host web-1'))
  add(schedules, 'remove', 'sample it no more')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('./commands/schedules.ts').then(m => m.removeSchedule(context, name, merged(schedules, options)))),
    )
    .addHelpText('after', examples('reops schedules remove mem'))

  const keys = add(program, 'keys', 'the keys of the installation: what agents know it by')
    .usage('[options] | list | rotate <server|module> | retire <key>')
    .action((options: object) => done(import('./commands/keys.ts').then(m => m.listKeys(context, options))))
    .addHelpText('after', examples('reops keys', 'reops keys rotate server', 'reops keys retire last'))
  add(keys, 'list', 'the public keys, and which are in use')
    .action((options: object) =>
      done(import('./commands/keys.ts').then(m => m.listKeys(context, merged(keys, options)))),
    )
    .addHelpText('after', examples('reops keys list'))
  add(keys, 'rotate', 'a new key, in a keyset of a higher serial that the root key signs')
    .argument('<kind>', 'server (brokers) or module (live modules)')
    .addOption(
      new Option('--step <step>', 'of a server key: publish it, switch to it, or both (default)').choices([
        'publish',
        'switch',
        'both',
      ]),
    )
    .action((kind: string, options: object) =>
      done(import('./commands/keys.ts').then(m => m.rotateKeys(context, kind, merged(keys, options)))),
    )
    .addHelpText(
      'after',
      examples(
        'reops keys rotate server --step publish   # agents learn the next key',
        'reops keys rotate server --step switch    # later: brokers use it',
        'reops keys rotate module',
      ),
    )
  add(keys, 'retire', 'publish a key no more')
    .argument('<key>', 'a public key, the beginning of one, or `last` for the server key before')
    .action((word: string, options: object) =>
      done(import('./commands/keys.ts').then(m => m.retireKey(context, word, merged(keys, options)))),
    )
    .addHelpText('after', examples('reops keys retire last'))

  add(program, 'audit', 'what happened to identities, keys and hosts, newest first')
    .option('--host <host>', 'only of this one (name or id)')
    .option('--action <action>', 'only these, for example host.revoked; `host.` for all that begin so')
    .option('--limit <n>', 'how many', '30')
    .action((options: object) => done(import('./commands/audit.ts').then(m => m.showAudit(context, options))))
    .addHelpText('after', examples('reops audit', 'reops audit --action enrol. --limit 100'))

  const accounts = add(program, 'accounts', 'accounts at providers; secrets by reference alone')
    .usage('[options] | list | set <name> | verify <name> | remove <name>')
    .action((options: object) => done(import('./commands/accounts.ts').then(m => m.listAccounts(context, options))))
    .addHelpText('after', examples('reops accounts', 'reops accounts verify aws'))
  add(accounts, 'list', 'the accounts, and whether they work')
    .action((options: object) =>
      done(import('./commands/accounts.ts').then(m => m.listAccounts(context, merged(accounts, options)))),
    )
    .addHelpText('after', examples('reops accounts list --json'))
  add(accounts, 'set', 'save an account, or change it; its credentials are tried first')
    .argument('<name>')
    .argument('[setting...]', 'of the provider: key=value, or key:=json')
    .addOption(new Option('--provider <provider>', 'whose account it is').choices(providers))
    .option('--region <region>', 'may be given again; the first is the default', listOf)
    .option('--secret <reference>', 'where the secret is for re-core: file:/path or env:NAME')
    .action((name: string, settings: string[], options: object) =>
      done(
        import('./commands/accounts.ts').then(m =>
          m.setAccount(context, [name, ...settings], merged(accounts, options)),
        ),
      ),
    )
    .addHelpText(
      'after',
      examples(
        'reops accounts set aws --provider ec2 --region eu-central-1 --secret file:/etc/re-ops/aws',
        'reops accounts set aws --region eu-central-1,eu-west-1',
        'reops accounts set aws securityGroups:=\'["sg-0123"]\'',
      ),
    )
  add(accounts, 'verify', 'try its credentials again')
    .argument('<name>')
    .action((name: string, options: object) =>
      done(import('./commands/accounts.ts').then(m => m.verifyAccount(context, name, merged(accounts, options)))),
    )
    .addHelpText('after', examples('reops accounts verify aws'))
  add(accounts, 'remove', 'forget an account that has no systems; asks first')
    .argument('<name>')
    .option('-y, --yes', 'do not ask')
    .action((name: string, options: object) =>
      done(import('./commands/accounts.ts').then(m => m.removeAccount(context, name, merged(accounts, options)))),
    )
    .addHelpText('after', examples('reops accounts remove aws'))

  add(program, 'providers', 'who makes machines here')
    .action((options: object) => done(import('./commands/providers.ts').then(m => m.listProviders(context, options))))
    .addHelpText('after', examples('reops providers', 'reops providers --json'))
  const somewhere = (command: Command): Command =>
    command
      .addOption(new Option('--provider <provider>', 'of this one (default local)').choices(providers))
      .option('--account <account>', 'of this account')
      .option('--region <region>', "in this region (default: the account's first)")
  somewhere(add(program, 'sizes', 'what --size takes: cores, memory, disk'))
    .action((options: object) => done(import('./commands/providers.ts').then(m => m.listSizes(context, options))))
    .addHelpText('after', examples('reops sizes', 'reops sizes --account aws --region eu-central-1'))
  somewhere(add(program, 'images', 'what --image takes'))
    .action((options: object) => done(import('./commands/providers.ts').then(m => m.listImages(context, options))))
    .addHelpText('after', examples('reops images --account aws'))

  const enrolments = group('enrolments', 'let hosts join that are not made by `systems create`')
  add(enrolments, 'list', 'enrolments that still let a host in; tokens are not shown again')
    .option('--all', 'those that are used, expired or revoked, too')
    .option('--limit <n>', 'how many', '100')
    .action((options: object) => done(import('./commands/enrolments.ts').then(m => m.listEnrolments(context, options))))
    .addHelpText('after', examples('reops enrolments list', 'reops enrolments list --all --json'))
  add(enrolments, 'revoke', 'its token lets nobody in any more; who came in by it stays')
    .argument('<id>', 'an id, or its beginning or end')
    .action((id: string, options: object) =>
      done(import('./commands/enrolments.ts').then(m => m.revokeEnrolment(context, id, options))),
    )
    .addHelpText('after', examples('reops enrolments revoke 7c1f'))
  add(enrolments, 'create', 'make a join token; prints how to start an agent with it')
    .option('--name <name>', 'the name the host gets')
    .option('--label <key=value>', 'a label its hosts get; may be given again', listOf)
    .option('--uses <n>', 'how many hosts may join with it (default 1)')
    .option('--ttl <duration>', 'how long it is good for (default 1h)')
    .option('--source <cidr>', 'addresses that may use it; may be given again', listOf)
    .action((options: object) =>
      done(import('./commands/enrolments.ts').then(m => m.createEnrolment(context, options))),
    )
    .addHelpText('after', examples('reops enrolments create --label role=web --uses 10 --ttl 2h'))

  const token = group('token', 'API tokens, for programs and for curl')
  add(token, 'show', 'what the token in use may do, and until when')
    .option('--value', 'print the token itself')
    .action((options: object) => done(import('./commands/token.ts').then(m => m.showToken(context, options))))
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
      done(import('./commands/token.ts').then(m => m.createToken(context, options, parts.environment))),
    )
    .addHelpText('after', examples('reops token create --subject ci --scope runs:write,hosts:read --ttl 7d'))

  configured(program.command('completion'))
    .description('teach your shell to complete commands, operations, hosts')
    .argument('<shell>', 'bash, zsh or fish')
    .action((shell: string) => done(import('./commands/completion.ts').then(m => m.printCompletion(context, shell))))
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
      import('./commands/completion.ts').then(m =>
        m.printCandidates(context, program, parts.command ?? [], parts.environment),
      ),
    ),
  )

  return program
}

/** A command that lists and has subcommands takes `--json` and the like itself when they stand behind the subcommand. */
const merged = (parent: Command, options: object): object => ({ ...parent.opts(), ...options })

export { CommanderError }

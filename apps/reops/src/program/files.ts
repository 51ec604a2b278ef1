import type { Command } from 'commander'
import { examples, listOf, type Kit } from './kit.ts'

/** `reops files`. */
export const addFiles = ({ context, done, add, group }: Kit): void => {
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
      done(import('../commands/files.ts').then(m => m.pushFile(context, file, options))),
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
      done(import('../commands/files-sync.ts').then(m => m.syncFolder(context, folder, options))),
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
      done(import('../commands/files-template.ts').then(m => m.pushTemplate(context, file, options))),
    )
    .addHelpText('after', examples("reops files template motd.liquid --on '*:/etc/motd' --set contact=ops@example.org"))
  toHosts(
    add(files, 'pull', 'take a file of each host into a local folder'),
    'SELECTOR:/path; with a slash at the end it is a folder',
  )
    .argument('<folder>', 'where: each host gets a folder of its name in it')
    .action((folder: string, options: object) =>
      done(import('../commands/files-pull.ts').then(m => m.pullFiles(context, folder, options))),
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
      done(import('../commands/files-copy.ts').then(m => m.copyFiles(context, from, options))),
    )
    .addHelpText('after', examples("reops files copy db-1:/etc/hosts --to 'role=web:/etc/hosts'"))
  add(files, 'list', 'the contents that the service stores')
    .action((options: object) => done(import('../commands/files.ts').then(m => m.listFiles(context, options))))
    .addHelpText('after', examples('reops files list', 'reops files list --json'))
  add(files, 'remove', 'forget stored contents; what hosts hold stays')
    .argument('<hash...>', 'SHA-256, as `reops files list` shows it')
    .action((hashes: string[]) => done(import('../commands/files.ts').then(m => m.removeFiles(context, hashes))))
    .addHelpText(
      'after',
      examples('reops files remove 4355a46b19d348dc2f57c046f8ef63d4538ebb936000f3c9ee954a27460dd865'),
    )
}

import { Option } from 'commander'
import { examples, inventoryFormats, type Kit } from './kit.ts'

/** `reops inventory`. */
export const addInventory = ({ context, done, configured, add, group, selecting }: Kit): void => {
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
    .option('--dry-run', 'only show what the file holds')
    .addOption(new Option('--dry', 'as --dry-run').implies({ dryRun: true }).hideHelp())
    .action((file: string | undefined, options: object) =>
      done(import('../commands/inventory.ts').then(m => m.importInventory(context, file, options))),
    )
    .addHelpText(
      'after',
      examples(
        'reops inventory import hosts.yml',
        'reops inventory import --ansible inventory.ini --dry-run',
        'reops inventory import --ssh-config',
        'reops inventory import --ssh-config ./config --with-keys',
      ),
    )
  selecting(configured(inventory.command('export')).description('the hosts as an inventory, on stdout'), 'hosts')
    .addOption(new Option('--format <format>', 'its form').choices(inventoryFormats).default('yaml'))
    .action((options: { format: (typeof inventoryFormats)[number] }) =>
      done(import('../commands/inventory-file.ts').then(m => m.exportInventory(context, options))),
    )
    .addHelpText('after', examples("reops inventory export --format ansible --on 'role=web' > inventory.ini"))
}

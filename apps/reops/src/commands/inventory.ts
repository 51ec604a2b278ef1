import type { Context } from '../context.ts'
import { usage } from '../fault.ts'
import { importFile, type ImportFileOptions } from './inventory-file.ts'
import { importSshConfig, type ImportSshOptions } from './inventory-ssh.ts'

export type ImportOptions = ImportFileOptions & ImportSshOptions

/** Hosts of a file, of Ansible's or of ssh's: one of the three. */
export const importInventory = async (
  context: Context,
  file: string | undefined,
  options: ImportOptions,
): Promise<number> => {
  if (options.sshConfig === undefined) {
    if (file === undefined) throw usage('import from what? A file, --ansible with a file, or --ssh-config [file]')
    if (options.withKeys === true) throw usage('--with-keys goes with --ssh-config')
    return importFile(context, file, options)
  }
  if (options.ansible === true) throw usage('--ansible and --ssh-config exclude each other')
  if (options.dryRun === true) throw usage('--dry-run goes with a file or --ansible, not with --ssh-config')
  // `--ssh-config` takes the next word as its file, so a second one is too many.
  if (file !== undefined) throw usage(`${file}: one file at a time`)
  return importSshConfig(context, options)
}

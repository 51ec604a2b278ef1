import type { SshKeyInfo } from '@re-ops/protocols'
import { placeOf, type PlaceOptions } from '../arguments/place.ts'
import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { table } from '../render/table.ts'
import { showDeleted } from './deleted.ts'
import { secretText } from './ssh-hosts.ts'

const show = ({ terminal }: Context, keys: readonly SshKeyInfo[], { json }: PlaceOptions): number => {
  if (json === true) printJson(terminal, keys)
  else if (keys.length === 0) terminal.error('no ssh keys there; reops ssh-keys set --help')
  else
    terminal.out(
      table(
        ['KEY', 'ACCOUNT', 'FINGERPRINT', 'ID'],
        keys.map(one => [one.name, one.account, one.fingerprint, one.ref]),
        { paint: terminal.paint, width: terminal.columns },
      ),
    )
  return 0
}

export const listSshKeys = async (context: Context, options: PlaceOptions): Promise<number> =>
  show(context, await (await context.client()).core.sshKeys(placeOf(options)), options)

export const setSshKey = async (
  context: Context,
  [name = '', file = '']: readonly string[],
  options: PlaceOptions,
): Promise<number> => {
  const text = secretText(file, 'ssh-keys').trim()
  return show(context, [await (await context.client()).core.putSshKey(name, text, placeOf(options))], options)
}

export const removeSshKey = async (
  context: Context,
  name: string,
  options: PlaceOptions & { readonly yes?: boolean },
): Promise<number> => {
  await confirm(context, { verb: 'delete', noun: 'ssh key', names: [name], yes: options.yes === true })
  return showDeleted(context, await (await context.client()).core.removeSshKey(name, placeOf(options)), options)
}

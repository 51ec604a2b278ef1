import type { FirewallInfo, PutFirewall } from '@re-ops/protocols'
import { placeOf, type PlaceOptions } from '../arguments/place.ts'
import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { InventoryError } from '../inventory/entry.ts'
import { yamlContent } from '../inventory/yaml.ts'
import { table } from '../render/table.ts'
import { showDeleted } from './deleted.ts'
import { secretText } from './ssh-hosts.ts'

const show = ({ terminal }: Context, walls: readonly FirewallInfo[], { json }: PlaceOptions): number => {
  if (json === true) printJson(terminal, walls)
  else if (walls.length === 0) terminal.error('no firewalls there; reops firewalls apply --help')
  else
    terminal.out(
      table(
        ['FIREWALL', 'ACCOUNT', 'RULES', 'ID'],
        walls.map(one => [
          one.name,
          one.account,
          one.rules
            .map(rule => `${rule.direction} ${rule.protocol} ${rule.ports ?? 'all'} ${rule.peers.join(',')}`)
            .join('; '),
          one.ref,
        ]),
        { paint: terminal.paint, width: terminal.columns },
      ),
    )
  return 0
}

export const listFirewalls = async (context: Context, options: PlaceOptions): Promise<number> =>
  show(context, await (await context.client()).core.firewalls(placeOf(options)), options)

const fileOf = (file: string): PutFirewall => {
  try {
    return yamlContent(secretText(file, 'firewalls'), file) as PutFirewall
  } catch (error) {
    if (error instanceof InventoryError) throw usage(error.message)
    throw error
  }
}

export const applyFirewall = async (
  context: Context,
  [name = '', file = '']: readonly string[],
  options: PlaceOptions,
): Promise<number> => {
  const body = fileOf(file)
  return show(context, [await (await context.client()).core.putFirewall(name, body, placeOf(options))], options)
}

export const removeFirewall = async (
  context: Context,
  name: string,
  options: PlaceOptions & { readonly yes?: boolean },
): Promise<number> => {
  await confirm(context, { verb: 'delete', noun: 'firewall', names: [name], yes: options.yes === true })
  return showDeleted(context, await (await context.client()).core.removeFirewall(name, placeOf(options)), options)
}

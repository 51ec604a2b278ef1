import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { secretText } from './ssh-hosts.ts'

type Options = { readonly json?: boolean; readonly service?: string }

/** Who keeps it: what is named ssh/... is re-mote's, unless told otherwise; accounts and machines are re-core's. */
const keeperOf = async (context: Context, name: string, { service }: Options) => {
  const { core, mote } = await context.client()
  const at = service ?? (name.startsWith('ssh/') ? 'mote' : 'core')
  return { at: `re-${at}`, keeper: at === 'core' ? core : mote }
}

/** From a file, or standard input. */
export const setSecret = async (
  context: Context,
  name: string,
  options: Options & { readonly file?: string },
): Promise<number> => {
  const { at, keeper } = await keeperOf(context, name, options)
  const value = secretText(options.file ?? '-', '--file')
  if (value === '') throw usage('the secret is empty; give it on standard input or by --file')
  const stored = await keeper.putSecret(name, value)
  if (options.json === true) printJson(context.terminal, { ...stored, service: at })
  else context.terminal.out(`secret:${stored.name}  version ${stored.version}  at ${at}\n`)
  return 0
}

export const removeSecret = async (context: Context, name: string, options: Options): Promise<number> => {
  const { at, keeper } = await keeperOf(context, name, options)
  const { removed } = await keeper.removeSecret(name)
  if (options.json === true) printJson(context.terminal, { name, removed, service: at })
  else context.terminal.out(removed ? `${name}  removed at ${at}\n` : `${name}  was not there, at ${at}\n`)
  return 0
}

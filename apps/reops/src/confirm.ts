import type { Context } from './context.ts'
import { Fault, usage } from './fault.ts'
import { nodesets } from './render/nodeset.ts'
import { count } from './render/units.ts'

/** Shows what a destructive verb would touch, and asks. Without a terminal only `--yes` will do. */
export const confirm = async (
  { terminal }: Context,
  what: { readonly verb: string; readonly noun: string; readonly names: readonly string[]; readonly yes: boolean },
): Promise<void> => {
  if (what.yes || what.names.length === 0) return
  const targets = `${what.verb} ${count(what.names.length, what.noun)}: ${nodesets(what.names).join(', ')}`
  if (!terminal.canAsk) throw usage(`would ${targets}; say --yes, since there is no terminal to ask on`)
  terminal.error(targets)
  if (!(await terminal.ask('really?'))) throw new Fault(1, 'nothing was done')
}

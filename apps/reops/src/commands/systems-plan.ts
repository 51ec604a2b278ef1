import type { SystemsPlan } from '@re-ops/protocols'
import { printJson, type Context } from '../context.ts'
import { nodesets } from '../render/nodeset.ts'
import { estimateLines } from '../render/cost.ts'
import { table } from '../render/table.ts'
import { count } from '../render/units.ts'

const text = (value: unknown): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.map(text).join(' ') : JSON.stringify(value)

/** `reops systems create --dry-run`: what would be made, and whose word each value is. */
export const showPlan = ({ terminal }: Context, plan: SystemsPlan, json: boolean): number => {
  if (json) {
    printJson(terminal, plan)
    return 0
  }
  const names = plan.systems.map(system => system.name)
  terminal.out(`would create ${count(names.length, 'system')}: ${nodesets(names).join(', ')}\n`)
  terminal.out(
    table(
      ['FIELD', 'VALUE', 'FROM'],
      plan.values.map(({ path, value, from }) => [path, text(value), from]),
      { paint: terminal.paint, width: terminal.columns },
    ),
  )
  for (const line of estimateLines(plan.cost)) terminal.out(`${line}\n`)
  return 0
}

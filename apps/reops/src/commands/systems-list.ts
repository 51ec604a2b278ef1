import type { System } from '@re-ops/protocols'
import { pickSystems } from '../arguments/pick.ts'
import { printJson, type Context } from '../context.ts'
import { byNumber } from '../render/nodeset.ts'
import { phaseCounts } from '../render/system.ts'
import { table } from '../render/table.ts'
import { count, labelsText, since } from '../render/units.ts'
import type { Common } from './systems.ts'
import { showCosts } from './systems-cost.ts'

/** What each wanted power looks like, and what is on its way there: then the wish need not be said. */
const onTheWay: Readonly<Record<System['desired'], readonly System['phase'][]>> = {
  running: ['planned', 'requested', 'booting', 'enrolled', 'provisioning', 'ready', 'failed', 'lost'],
  stopped: ['stopping', 'stopped'],
  absent: ['destroying', 'forgetting', 'gone'],
}
const wantedText = ({ desired, phase }: System): string => (onTheWay[desired].includes(phase) ? '' : desired)

const titles = ['SYSTEM', 'PROVIDER', 'ACCOUNT', 'TYPE', 'PHASE', 'WANTED', 'ADDRESS', 'LABELS', 'AGE', 'WHY']
const cells = (system: System, nowMs: number): string[] => [
  system.name,
  system.provider,
  system.account === system.provider ? '' : system.account,
  system.type,
  system.phase,
  wantedText(system),
  system.address ?? '',
  labelsText(system.labels),
  since(system.createdAt, nowMs),
  system.reason ?? '',
]

/** Those that are failed or lost are coloured; the last line counts phases. */
export const listSystems = async (
  context: Context,
  options: Common & { all?: boolean; cost?: boolean },
): Promise<number> => {
  const { core } = await context.client()
  const { terminal } = context
  const all = await core.systems(options.all === true ? { gone: true } : {})
  const living = all.toSorted((a, b) => byNumber(a.name, b.name))
  const systems =
    options.on === undefined
      ? living
      : pickSystems(living, { names: [], on: options.on, allowNone: options.allowNone === true })
  if (options.cost === true) return showCosts(context, core, systems, options.json === true)
  if (options.json === true) {
    printJson(terminal, systems)
    return 0
  }
  if (systems.length === 0) {
    terminal.error('no systems yet; for example: reops systems create --name demo --count 3 --wait')
    return 0
  }
  const rows = systems.map(system => cells(system, context.now()))
  const { paint, columns: width } = terminal
  const colour = (at: number) => (hasTrouble(systems[at]) ? paint.bad : (text: string) => text)
  terminal.out(table(titles, rows, { paint, width, colour }))
  terminal.out(`${count(systems.length, 'system')} · ${phaseCounts(systems.map(one => one.phase))}\n`)
  return 0
}

const hasTrouble = (system: System | undefined): boolean => system?.phase === 'failed' || system?.phase === 'lost'

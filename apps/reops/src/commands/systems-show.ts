import type { System, SystemCost } from '@re-ops/protocols'
import { pickSystems } from '../arguments/pick.ts'
import { printJson, type Context } from '../context.ts'
import { costText } from '../render/cost.ts'
import { addressText, phasesText } from '../render/system.ts'
import { ago, labelsText } from '../render/units.ts'
import type { Common } from './systems.ts'
import { costOfSystem } from './systems-cost.ts'

/** All that is known of systems, one after the other. */
export const showSystems = async (context: Context, names: readonly string[], options: Common): Promise<number> => {
  const { core } = await context.client()
  const { terminal } = context
  const systems = pickSystems(await core.systems(), { names, on: options.on, allowNone: options.allowNone === true })
  if (options.json === true) {
    printJson(terminal, systems)
    return 0
  }
  for (const system of systems) {
    terminal.out(systemText(context, system, await costOfSystem(core, system)))
  }
  return 0
}

const systemText = ({ terminal, now }: Context, system: System, cost: SystemCost | undefined): string => {
  const lines: [string, string | null][] = [
    ['id', system.id],
    ['provider', `${system.provider} · ${system.size} · ${system.image}`],
    ['account', system.account === system.provider ? null : `${system.account} · ${system.region}`],
    ['beside', besideText(system)],
    ['type', system.type],
    ['labels', labelsText(system.labels) || '-'],
    ['phase', phasesText(system.phases, { phase: system.phase, afterMs: readyAfter(system) }, terminal.paint)],
    ['wanted', `${system.desired} · generation ${system.generation}${system.protected ? ' · protected' : ''}`],
    ['observed', system.observed],
    ['instance', system.ref],
    ['host', system.host],
    ['address', addressText(system)],
    ['lease', leaseText(system)],
    ['policy', policyText(system)],
    ['drift', driftText(system)],
    ['cost', cost === undefined ? null : costText(cost)],
    ['created', ago(system.createdAt, now())],
    ['why', system.reason],
  ]
  const shown = lines.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(10)} ${value}\n`]))
  return `${terminal.paint.bold(system.name)}\n${shown.join('')}`
}

const policyText = ({ origin, policy: { managed, fixes, onLost } }: System): string => {
  const puts = fixes.length === 0 ? 'nothing is put right by itself' : `puts right ${fixes.join(', ')}`
  const how = managed === 'observe' ? 'only observed' : puts
  return `${how} · when lost: ${onLost}${origin === 'imported' ? ' · imported' : ''}`
}

const driftText = ({ name, drift }: System): string | null =>
  drift.length === 0 ? null : `${drift.map(one => one.field).join(', ')} (reops systems drift ${name})`

/** What was asked for together with it. */
const besideText = ({ options: { keys = [], firewalls = [], volumes = [] } }: System): string | null =>
  [
    ...keys.map(name => `key ${name}`),
    ...firewalls.map(name => `firewall ${name}`),
    ...volumes.map(({ name, sizeGb }) => `volume ${name} ${sizeGb} GB`),
  ].join(' · ') || null

const leaseText = ({ lease }: System): string | null =>
  lease === null
    ? null
    : `${lease.onEnd} at ${lease.expiresAt}${lease.maxAt === null ? '' : ` · at most ${lease.maxAt}`} · ${lease.by}`

const readyAfter = (system: System) => (system.phase === 'ready' ? system.readyAfterMs : null)

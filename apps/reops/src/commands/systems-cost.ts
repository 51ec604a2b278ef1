import { isClientError, type Core } from '@re-ops/client'
import type { System, SystemCost } from '@re-ops/protocols'
import { printJson, type Context } from '../context.ts'
import { dollars } from '../render/cost.ts'
import { table } from '../render/table.ts'

const amount = (value: number | null): string => (value === null ? 'unknown' : dollars(value))

/** Undefined where re-core is of a release that tells no costs. */
export const costOfSystem = async (core: Core, { id }: System): Promise<SystemCost | undefined> => {
  try {
    return (await core.costs(id))[0]
  } catch (error) {
    if (isClientError(error, 'problem')) return undefined
    throw error
  }
}

/** `reops systems list --cost`. */
export const showCosts = async (
  { terminal }: Context,
  core: Core,
  systems: readonly System[],
  json: boolean,
): Promise<number> => {
  const costs = new Map((await core.costs()).map(cost => [cost.system, cost]))
  const found = systems.flatMap(system => {
    const cost = costs.get(system.id)
    return cost === undefined ? [] : [{ system, cost }]
  })
  if (json) {
    printJson(
      terminal,
      found.map(one => one.cost),
    )
    return 0
  }
  const sum = (values: readonly (number | null)[]) => values.reduce<number>((all, one) => all + (one ?? 0), 0)
  const rows = found.map(({ system, cost }) => [
    system.name,
    system.provider,
    system.size,
    system.phase,
    amount(cost.hourlyNow),
    amount(cost.spent),
    cost.each.at ?? '',
    cost.each.why ?? '',
  ])
  const all = found.map(one => one.cost)
  const total = [
    'all',
    '',
    '',
    '',
    dollars(sum(all.map(one => one.hourlyNow))),
    dollars(sum(all.map(one => one.spent))),
  ]
  terminal.out(
    table(
      ['SYSTEM', 'PROVIDER', 'SIZE', 'PHASE', 'AN HOUR', 'SO FAR', 'PRICES OF', 'WHY'],
      [...rows, [...total, '', '']],
      {
        paint: terminal.paint,
        width: terminal.columns,
      },
    ),
  )
  return 0
}

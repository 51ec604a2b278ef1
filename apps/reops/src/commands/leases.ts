import { isClientError } from '@re-ops/client'
import type { System } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { leaseMs } from '../arguments/lease.ts'
import { pickSystems } from '../arguments/pick.ts'
import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { table } from '../render/table.ts'
import { ago, duration } from '../render/units.ts'

type Options = { readonly json?: boolean; readonly on?: string; readonly allowNone?: boolean }

const left = (at: string, nowMs: number): string => {
  const ms = Date.parse(at) - nowMs
  return ms > 0 ? `in ${duration(ms)}` : ago(at, nowMs)
}

const show = ({ terminal, now }: Context, systems: readonly System[], { json }: Options): number => {
  if (json === true) {
    printJson(terminal, systems)
    return 0
  }
  if (systems.length === 0) {
    terminal.error('no leases; for example: reops systems create --name ci --lease 2h --max-life 24h')
    return 0
  }
  terminal.out(
    table(
      ['SYSTEM', 'PHASE', 'ENDS', 'AT', 'THEN', 'AT MOST', 'BY', 'NOTE'],
      systems.map(({ name, phase, lease, reason }) => [
        name,
        phase,
        lease === null ? 'never' : left(lease.expiresAt, now()),
        lease?.expiresAt ?? '',
        lease?.onEnd ?? '',
        lease?.maxAt ?? '-',
        lease?.by ?? '',
        lease?.note ? (reason ?? lease.note) : '',
      ]),
      {
        paint: terminal.paint,
        width: terminal.columns,
        colour: at => (systems[at]?.lease?.note ? terminal.paint.bad : text => text),
      },
    ),
  )
  return 0
}

export const listLeases = async (context: Context, options: Options): Promise<number> =>
  show(context, await (await context.client()).core.leases(), options)

/** One that refuses does not keep it from the others. */
const forEach = async (
  { terminal }: Context,
  systems: readonly System[],
  work: (system: System) => Promise<System>,
): Promise<{ readonly done: System[]; readonly code: number }> => {
  const done: System[] = []
  for (const system of systems)
    try {
      done.push(await work(system))
    } catch (error) {
      if (!isClientError(error) || error.kind !== 'problem') throw error
      terminal.error(`reops: ${error.message}`)
    }
  return { done, code: done.length < systems.length ? 1 : 0 }
}

const shown = (context: Context, { done, code }: { done: System[]; code: number }, options: Options): number => {
  if (done.length > 0) show(context, done, options)
  return code
}

const picked = async (context: Context, names: readonly string[], options: Options): Promise<System[]> => {
  const { core } = await context.client()
  return pickSystems(await core.systems(), { names, on: options.on, allowNone: options.allowNone === true })
}

export const renewLeases = async (
  context: Context,
  names: readonly string[],
  options: Options & { readonly for?: string; readonly onEnd?: string },
): Promise<number> => {
  const body = {
    ...(options.for === undefined ? {} : { forMs: durationMs(options.for, '--for', leaseMs) }),
    ...(options.onEnd === undefined ? {} : { onEnd: options.onEnd as 'destroy' | 'stop' }),
  }
  const systems = await picked(context, names, options)
  const { core } = await context.client()
  const renewed = await forEach(context, systems, system => core.renewLease(system.id, body))
  const atMost = renewed.done.filter(({ lease }) => lease !== null && lease.expiresAt === lease.maxAt)
  for (const { name } of atMost) context.terminal.error(`${name}: no later than its longest life (--max-life) allows`)
  return shown(context, renewed, options)
}

export const endLeases = async (
  context: Context,
  names: readonly string[],
  options: Options & { readonly yes?: boolean },
): Promise<number> => {
  const systems = await picked(context, names, options)
  const named = systems.map(one => one.name)
  await confirm(context, { verb: 'take the lease from', noun: 'system', names: named, yes: options.yes === true })
  const { core } = await context.client()
  return shown(context, await forEach(context, systems, system => core.endLease(system.id)), options)
}

/** Whose machine is newer than its row: after a database was restored from a backup. */
export const adoptSystems = async (context: Context, names: readonly string[], options: Options): Promise<number> => {
  const systems = await picked(context, names, options)
  const { core } = await context.client()
  const { done, code } = await forEach(context, systems, system => core.adoptSystem(system.id))
  if (options.json === true) printJson(context.terminal, done)
  else
    for (const one of done)
      context.terminal.out(`${one.name}  ${one.phase}  generation ${one.generation}  ${one.ref}\n`)
  return code
}

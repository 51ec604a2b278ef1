import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { Fault, usage } from '../fault.ts'
import { pickSystems } from '../arguments/pick.ts'
import { createSystems, type CreateOptions } from './systems.ts'
import { waitForJobs } from './wait.ts'
import { table } from '../render/table.ts'
import { ago } from '../render/units.ts'
import { durationMs } from '../arguments/duration.ts'

export const listSnapshots = async (context: Context, options: { readonly json?: boolean }): Promise<number> => {
  const { core } = await context.client()
  const { terminal } = context
  const snapshots = await core.snapshots()
  if (options.json === true) {
    printJson(terminal, snapshots)
    return 0
  }
  if (snapshots.length === 0) {
    terminal.error('no snapshots yet; for example: reops systems snapshot web-1 golden --wait')
    return 0
  }
  terminal.out(
    table(
      ['SNAPSHOT', 'OF', 'PROVIDER', 'STATE', 'GB', 'AGE', 'WHY'],
      snapshots.map(one => [
        one.name,
        one.system,
        one.provider,
        one.state,
        one.sizeGb === null ? '' : String(one.sizeGb),
        ago(one.createdAt, context.now()).replace(' ago', ''),
        one.error ?? '',
      ]),
      { paint: terminal.paint, width: terminal.columns },
    ),
  )
  return 0
}

export const deleteSnapshots = async (
  context: Context,
  names: readonly string[],
  options: { readonly json?: boolean; readonly yes?: boolean },
): Promise<number> => {
  const { core } = await context.client()
  await confirm(context, { verb: 'delete', noun: 'snapshot', names, yes: options.yes === true })
  const left = []
  for (const name of names) left.push(await core.deleteSnapshot(name))
  if (options.json === true) printJson(context.terminal, left)
  else for (const one of left) context.terminal.out(`${one.name}  ${one.error ?? 'deleted'}\n`)
  return 0
}

/** A snapshot of a system, and new systems of it with its size, type and labels; each has an identity of its own. */
export const cloneSystem = async (context: Context, source: string, options: CreateOptions): Promise<number> => {
  if (options.name === undefined) throw usage('what shall the clone be called? give --name <stem>')
  const timeoutMs = durationMs(options.timeout ?? '10m', '--timeout')
  const { core } = await context.client()
  const [system] = pickSystems(await core.systems(), { names: [source], on: undefined, allowNone: false })
  if (system === undefined) throw usage(`no system is called ${source}`)
  const snapshot = `${options.name}-of-${system.name}`.slice(0, 63)
  const job = await core.snapshotSystem(system.id, snapshot)
  const made = { systems: [system], jobs: [job], timeoutMs, json: false }
  if ((await waitForJobs(context, core, made)) !== 0) throw new Fault(1, `the snapshot ${snapshot} was not made`)
  if (options.json !== true)
    context.terminal.error(`snapshot ${snapshot} stays; when no clone is to follow: reops snapshots delete ${snapshot}`)
  return createSystems(context, {
    ...options,
    type: options.type ?? system.type,
    size: options.size ?? system.size,
    image: `snapshot:${snapshot}`,
    readiness: options.readiness ?? system.readiness,
    label: options.label ?? Object.entries(system.labels).map(([key, value]) => `${key}=${value}`),
  })
}

import type { ChangePolicy, Drift, ImportSystem, System, Unmanaged } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { labelsOf } from '../arguments/labels.ts'
import { leaseOf, type LeaseOptions } from '../arguments/lease.ts'
import { pickSystems } from '../arguments/pick.ts'
import { policyOf, type PolicyOptions } from '../arguments/policy.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { byNumber } from '../render/nodeset.ts'
import { jobLine } from '../render/system.ts'
import { table } from '../render/table.ts'
import { labelsText } from '../render/units.ts'
import { askEach, type Asked } from './systems.ts'
import { waitForJobs } from './wait.ts'

type Where = { readonly account?: string; readonly region?: string }

const whose = ({ state, installation }: Unmanaged): string => {
  if (state === 'foreign') return `of another re-core, ${installation}`
  if (state === 'unknown') return 'of ours, its system is unknown'
  return state === 'stray' ? 'its system has ended; re-core ends it' : 'free'
}

export const listUnmanaged = async (
  { client, terminal }: Context,
  { account, region, json }: Where & { readonly json?: boolean },
): Promise<number> => {
  const where = { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) }
  const machines = await (await client()).core.unmanaged(where)
  if (json === true) printJson(terminal, machines)
  else if (machines.length === 0) terminal.error('no machine there that belongs to no system')
  else
    terminal.out(
      table(
        ['ACCOUNT', 'REGION', 'MACHINE', 'NAME', 'POWER', 'SIZE', 'ADDRESSES', 'TAGS', 'WHOSE'],
        machines.map(one => [
          one.account,
          one.region,
          one.ref,
          one.name ?? '',
          one.power,
          one.size,
          one.addresses.join(' '),
          labelsText(Object.fromEntries(Object.entries(one.tags).filter(([key]) => key !== 'name'))),
          whose(one),
        ]),
        { paint: terminal.paint, width: terminal.columns },
      ),
    )
  return 0
}

export type ImportOptions = Asked &
  LeaseOptions &
  PolicyOptions & {
    readonly name?: string
    readonly region?: string
    readonly type?: string
    readonly label?: readonly string[]
    readonly manage?: string
  }

export const importSystem = async (
  context: Context,
  { account, ref }: { readonly account: string; readonly ref: string },
  options: ImportOptions,
): Promise<number> => {
  const { name, region, type, label, manage, json, wait } = options
  if (name === undefined) throw usage('what shall it be called? give --name <name>')
  const [policy, lease] = [policyOf(options), leaseOf(options)]
  const body: ImportSystem = {
    account,
    ref,
    name,
    ...(region === undefined ? {} : { region }),
    ...(type === undefined ? {} : { type }),
    ...(label?.length ? { labels: labelsOf(label) } : {}),
    ...(manage === undefined ? {} : { managed: manage as NonNullable<ImportSystem['managed']> }),
    ...(policy === undefined ? {} : { policy }),
    ...(lease === undefined ? {} : { lease }),
  }
  const timeoutMs = durationMs(options.timeout ?? '10m', '--timeout')
  const { core } = await context.client()
  const { system, job } = await core.importSystem(body)
  if (wait === true)
    return waitForJobs(context, core, { systems: [system], jobs: [job], timeoutMs, json: json === true })
  if (json === true) printJson(context.terminal, system)
  else context.terminal.out(jobLine(job))
  return 0
}

export const forgetSystems = (context: Context, names: readonly string[], options: Asked): Promise<number> =>
  askEach(context, {
    verb: 'forget',
    isHarmless: false,
    names,
    options,
    act: (core, { id }) => core.forgetSystem(id),
  })

export const setPolicy = (
  context: Context,
  names: readonly string[],
  options: Asked & PolicyOptions & { readonly manage?: string },
): Promise<number> => {
  const { manage } = options
  const policy: ChangePolicy = {
    ...policyOf(options),
    ...(manage === undefined ? {} : { managed: manage as NonNullable<ChangePolicy['managed']> }),
  }
  if (Object.keys(policy).length === 0) throw usage('what shall change? give --fix, --on-lost or --manage')
  return askEach(context, {
    verb: 'policy',
    isHarmless: true,
    names,
    options,
    act: (core, { id }) => core.changeSystem(id, { policy }),
  })
}

const valueText = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .map(([key, one]) => (one === null ? `${key} is not there` : `${key}=${String(one)}`))
        .join(' ')
    : String(value)

const thenText = ({ field, fixed }: Drift, { policy }: System): string => {
  if (field === 'presence') return policy.onLost
  if (fixed) return 'is put right'
  return policy.managed === 'observe' ? 'is only observed' : 'is left so'
}

/** Of all systems, when none are named. Drift is no failure: exit code 0. */
export const showDrift = async (context: Context, names: readonly string[], options: Asked): Promise<number> => {
  const { terminal } = context
  const living = await (await context.client()).core.systems()
  const systems =
    names.length === 0 && options.on === undefined
      ? living
      : pickSystems(living, { names, on: options.on, allowNone: options.allowNone === true })
  const drifted = systems.filter(one => one.drift.length > 0).toSorted((a, b) => byNumber(a.name, b.name))
  if (options.json === true) {
    printJson(
      terminal,
      drifted.map(({ id, name, policy, drift }) => ({ id, name, policy, drift })),
    )
    return 0
  }
  if (drifted.length === 0) terminal.error(`no drift: ${systems.length} systems are as they are wanted`)
  else
    terminal.out(
      table(
        ['SYSTEM', 'FIELD', 'WANTED', 'OBSERVED', 'THEN'],
        drifted.flatMap(system =>
          system.drift.map(one => [
            system.name,
            one.field,
            valueText(one.wanted),
            valueText(one.observed),
            thenText(one, system),
          ]),
        ),
        { paint: terminal.paint, width: terminal.columns },
      ),
    )
  return 0
}

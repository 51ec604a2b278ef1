import type { Core } from '@re-ops/client'
import type { CreateSystems, Job, System } from '@re-ops/protocols'
import { durationMs } from '../arguments/duration.ts'
import { labelsOf, wholeNumber } from '../arguments/labels.ts'
import { leaseOf, type LeaseOptions } from '../arguments/lease.ts'
import { pickSystems } from '../arguments/pick.ts'
import { policyOf, type PolicyOptions } from '../arguments/policy.ts'
import { volumeOf } from '../arguments/volumes.ts'
import { confirm } from '../confirm.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'
import { estimateLines } from '../render/cost.ts'
import { jobLine } from '../render/system.ts'
import { secretText } from './ssh-hosts.ts'
import { showPlan } from './systems-plan.ts'
import { waitForJobs } from './wait.ts'

export type Common = { readonly json?: boolean; readonly on?: string; readonly allowNone?: boolean }
export type Asked = Common & Waiting & { readonly yes?: boolean; readonly keepVolumes?: boolean }
type Waiting = { readonly wait?: boolean; readonly timeout?: string }
const waitDefault = '10m'

export type CreateOptions = Common &
  Waiting &
  LeaseOptions &
  PolicyOptions & {
    readonly name?: string
    readonly count?: string
    readonly provider?: string
    readonly type?: string
    readonly size?: string
    readonly image?: string
    readonly label?: readonly string[]
    readonly readiness?: string
    readonly protected?: boolean
    readonly account?: string
    readonly region?: string
    readonly zone?: readonly string[]
    readonly spot?: boolean
    readonly disk?: string
    readonly sshKey?: readonly string[]
    readonly key?: readonly string[]
    readonly firewall?: readonly string[]
    readonly volume?: readonly string[]
    readonly userData?: string
    readonly preset?: readonly string[]
    readonly dryRun?: boolean
  }

const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

/** A reference goes as it is: re-core follows it. */
const userDataText = (given: string): string =>
  /^(secret|file|env):\S+$/.test(given) ? given : secretText(given, '--user-data')

/** What not every provider has; absent when nothing of it was given. */
const machineOptions = (options: CreateOptions): CreateSystems['options'] => {
  const { zone, spot, disk, sshKey, key, firewall, volume, userData } = options
  const found = given({
    zones: zone ? [...zone] : undefined,
    market: spot === true ? ('spot' as const) : undefined,
    diskGb: disk === undefined ? undefined : wholeNumber(disk, '--disk', 1, 16_384),
    sshKeys: sshKey ? [...sshKey] : undefined,
    keys: key ? [...key] : undefined,
    firewalls: firewall ? [...firewall] : undefined,
    volumes: volume?.map(volumeOf),
    userData: userData === undefined ? undefined : userDataText(userData),
  })
  return Object.keys(found).length > 0 ? found : undefined
}

const bodyOf = (options: CreateOptions): CreateSystems => {
  const name = options.name ?? options.type
  if (name === undefined) throw usage('what shall it be called? give --name <stem> (or --type, which then names it)')
  return {
    name,
    ...given({
      count: options.count === undefined ? undefined : wholeNumber(options.count, '--count', 1, 200),
      provider: options.provider as CreateSystems['provider'],
      type: options.type,
      presets: options.preset ? [...options.preset] : undefined,
      size: options.size,
      image: options.image,
      labels: options.label?.length ? labelsOf(options.label) : undefined,
      readiness: options.readiness as CreateSystems['readiness'],
      protected: options.protected,
      // An account says whose it is, and where when no region is given.
      account: options.account,
      region: options.region,
      options: machineOptions(options),
      lease: leaseOf(options),
      policy: policyOf(options),
    }),
  }
}

export const createSystems = async (context: Context, options: CreateOptions): Promise<number> => {
  const body = bodyOf(options)
  const timeoutMs = durationMs(options.timeout ?? waitDefault, '--timeout')
  const { core } = await context.client()
  if (options.dryRun === true) return showPlan(context, await core.planSystems(body), options.json === true)
  const { systems, jobs, cost } = await core.createSystems(body)
  const [price] = cost === undefined ? [] : estimateLines(cost)
  if (options.json !== true && price !== undefined) context.terminal.error(price)
  if (options.wait === true)
    return waitForJobs(context, core, { systems, jobs, timeoutMs, json: options.json === true })
  if (options.json === true) printJson(context.terminal, systems)
  else for (const job of jobs) context.terminal.out(jobLine(job))
  return 0
}

/** Asks each of the systems that are meant for a job, and waits for them when told to. Exit code 1 when one refused. */
export const askEach = async (
  context: Context,
  what: {
    readonly verb: string
    readonly isHarmless: boolean
    readonly names: readonly string[]
    readonly options: Asked
    readonly act: (core: Core, system: System) => Promise<Job>
  },
): Promise<number> => {
  const { verb, names, options } = what
  const timeoutMs = durationMs(options.timeout ?? waitDefault, '--timeout')
  const { core } = await context.client()
  const living = await core.systems()
  const systems = pickSystems(living, { names, on: options.on, allowNone: options.allowNone === true })
  if (!what.isHarmless)
    await confirm(context, { verb, noun: 'system', names: systems.map(one => one.name), yes: options.yes === true })
  const jobs: Job[] = []
  const failed: string[] = []
  for (const system of systems) {
    const done = await what.act(core, system).catch((error: unknown) => refusal(error, system))
    if (typeof done === 'string') failed.push(done)
    else jobs.push(done)
  }
  for (const why of failed) context.terminal.error(`reops: ${why}`)
  const code = failed.length > 0 ? 1 : 0
  const asked = systems.filter(system => jobs.some(job => job.system === system.id))
  if (options.wait === true)
    return Math.max(
      code,
      await waitForJobs(context, core, { systems: asked, jobs, timeoutMs, json: options.json === true }),
    )
  if (options.json === true) printJson(context.terminal, jobs)
  else for (const job of jobs) context.terminal.out(jobLine(job))
  return code
}

/** One system that refuses (it is protected, say) does not keep the verb from the others. */
const refusal = (error: unknown, system: System): string => {
  if ((error as { kind?: unknown }).kind === 'problem') return named(system.name, (error as Error).message)
  throw error
}

const named = (name: string, message: string) => (message.startsWith(`${name} `) ? message : `${name}: ${message}`)

export type Verb = 'start' | 'protect' | 'unprotect' | 'reload' | 'destroy'
const harmlessVerbs: ReadonlySet<Verb> = new Set(['start', 'protect'])

export const actOnSystems = (context: Context, verb: Verb, names: readonly string[], options: Asked): Promise<number> =>
  askEach(context, {
    verb,
    isHarmless: harmlessVerbs.has(verb),
    names,
    options,
    act: (core, { id }) =>
      verb === 'destroy' && options.keepVolumes === true
        ? core.destroySystem(id, {}, { keepVolumes: true })
        : core[`${verb}System`](id),
  })

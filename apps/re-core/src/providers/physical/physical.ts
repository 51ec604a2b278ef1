import { ProviderError, type AccountInfo, type ObservedVm, type Provider } from '@re-ops/protocols'
import type { Place } from '../driver.ts'
import { isOf } from '../marks.ts'
import { plainLimits } from '../plain.ts'
import { act } from './act.ts'
import { physicalCaps } from './caps.ts'
import { look } from './look.ts'
import { makeMarks } from './marks.ts'
import { known, list, observe, type Eyes } from './observe.ts'
import { keyOf, machinesOf, type PhysicalSettings } from './settings.ts'
import { makeSsh } from './ssh.ts'

export type PhysicalDeps = {
  readonly now?: () => number
  /** How long a look waits for an answer. */
  readonly lookMs?: number
  /** How long a machine that was woken is given to answer, before it counts as off and is woken again. */
  readonly bootMs?: number
}

const unsupported = (why: string): ProviderError => new ProviderError('unsupported', 'not-applied', why)
const notMade = (): never => {
  throw unsupported('physical machines are not made; allowed: reops systems import ACCOUNT MACHINE --name NAME')
}

/** Machines of the account's settings that stand somewhere: woken over the network, asked over SSH to power off. */
export const makePhysical = (deps: PhysicalDeps, { account, region }: Place): Provider => {
  const { now = Date.now, lookMs = 3_000, bootMs = 90_000 } = deps
  const settings = account.settings as PhysicalSettings
  const ssh = makeSsh(keyOf(account.secret))
  const marks = makeMarks(ssh, now)
  const awaited = new Map<string, number>()
  const awaits = (name: string, comesUp: boolean) => void awaited.set(name, comesUp ? now() + bootMs : 0)
  const eyes: Eyes = { settings, marks, lookMs, now, awaitedUntil: name => awaited.get(name) ?? 0 }
  return {
    ...plainLimits,
    kind: 'physical',
    caps: physicalCaps,
    offerings: spec => [{ size: spec.size, zone: null, market: 'on-demand' }],
    planCreate: notMade,
    create: async () => notMade(),
    findByIdentity: async (identity, signal) => {
      const found: ObservedVm[] = []
      for await (const vm of list(eyes, 'owned', signal)) if (isOf(vm, identity)) found.push(vm)
      return found
    },
    observe: (ref, signal) => observe(eyes, ref, signal),
    list: (scope, signal) => list(eyes, scope, signal),
    act: async (ref, action, _op, signal) => {
      await act({ ssh, marks, awaits }, known(settings, ref), action, signal)
      return { ref }
    },
    pollOp: async () => 'done',
    findOp: async () => 'cannot-tell',
    destroy: async ref => {
      throw unsupported(`${ref} is a physical machine, which nothing here ends; allowed: reops systems forget`)
    },
    children: async () => [],
    catalog: async () => ({
      sizes: [],
      images: [],
      regions: [{ name: region, title: `${machinesOf(settings).length} machines of the settings`, zones: [] }],
      prices: [],
    }),
    quota: async () => [],
    verifyCredentials: signal => verify(eyes, signal),
  }
}

/** Each machine that answers must be the one that is meant and let us in; one that is off cannot be asked. */
const verify = async ({ settings, marks, lookMs }: Eyes, signal: AbortSignal): Promise<AccountInfo> => {
  const machines = machinesOf(settings)
  const tried = machines.map(async machine => {
    const { is } = await look(machine, lookMs, signal)
    if (is === 'on') await marks.read(machine, signal)
  })
  try {
    await Promise.all(tried)
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'invalid')
      throw new ProviderError('auth', 'not-applied', error.message)
    throw error
  }
  return { id: `${machines.length} machines`, name: null }
}

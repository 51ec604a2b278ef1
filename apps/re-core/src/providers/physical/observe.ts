import { ProviderError, type Observation, type ObservedVm, type Power } from '@re-ops/protocols'
import { physicalSize } from './caps.ts'
import { look, type Look } from './look.ts'
import type { Marks } from './marks.ts'
import { machineOf, machinesOf, type Machine, type PhysicalSettings } from './settings.ts'

/** What machines are looked at with. */
export type Eyes = {
  readonly settings: PhysicalSettings
  readonly marks: Marks
  readonly lookMs: number
  /** Until when a machine that was just started or rebooted and does not answer is on its way, ms since 1970. */
  readonly awaitedUntil: (name: string) => number
  readonly now: () => number
}
type Whose = Pick<ObservedVm, 'owner' | 'ownerUnread'>

/** Nobody wrote down when it was bought. */
const createdAt = new Date(0).toISOString()

const vmOf = (machine: Machine, power: Power, raw: string, whose: Whose): ObservedVm => ({
  ref: machine.name,
  power,
  raw,
  locked: false,
  addresses: [{ address: machine.address, scope: 'private' }],
  size: physicalSize,
  createdAt,
  tags: { name: machine.name },
  lifecycle: 'on-demand',
  ...whose,
})

const unread: Whose = { ownerUnread: true }
const dark = ({ marks, awaitedUntil, now }: Eyes, machine: Machine, { is, raw }: Look): ObservedVm => {
  marks.forget(machine)
  if (is === 'unknown') return vmOf(machine, 'unknown', raw, unread)
  return vmOf(machine, now() < awaitedUntil(machine.name) ? 'pending' : 'stopped', raw, unread)
}

const whoseOf = async ({ marks }: Eyes, machine: Machine, signal: AbortSignal): Promise<Whose> => {
  const owner = await marks.read(machine, signal)
  return owner === null ? {} : { owner }
}

/** Throws `not-found`. */
export const known = (settings: PhysicalSettings, ref: string): Machine => {
  const machine = machineOf(settings, ref)
  if (machine !== null) return machine
  const names = machinesOf(settings).map(({ name }) => name)
  throw new ProviderError(
    'not-found',
    'not-applied',
    `${ref} is no machine of the settings; allowed: ${names.join(', ')}`,
  )
}

/** A machine that is on and does not let us in is not known to be the one that is meant: `unknown`, and why. */
export const observe = async (eyes: Eyes, ref: string, signal: AbortSignal): Promise<Observation> => {
  const machine = machineOf(eyes.settings, ref)
  if (machine === null) return { state: 'absent', proof: 'not-found', why: `the account's settings do not name ${ref}` }
  const seen = await look(machine, eyes.lookMs, signal)
  if (seen.is === 'unknown')
    return { state: 'unknown', why: new ProviderError('transient', 'not-applied', `${ref}: ${seen.raw}`) }
  if (seen.is === 'off') return { state: 'present', vm: dark(eyes, machine, seen) }
  try {
    return { state: 'present', vm: vmOf(machine, 'running', seen.raw, await whoseOf(eyes, machine, signal)) }
  } catch (error) {
    if (error instanceof ProviderError) return { state: 'unknown', why: error }
    throw error
  }
}

/** One in a list that does not let us in keeps nobody from the others. */
const listed = async (eyes: Eyes, machine: Machine, signal: AbortSignal): Promise<ObservedVm> => {
  const seen = await look(machine, eyes.lookMs, signal)
  if (seen.is !== 'on') return dark(eyes, machine, seen)
  try {
    return vmOf(machine, 'running', seen.raw, await whoseOf(eyes, machine, signal))
  } catch (error) {
    if (!(error instanceof ProviderError) || signal.aborted) throw error
    return vmOf(machine, 'running', error.message, unread)
  }
}

const atOnceMax = 64
/** `owned`: those whose mark cannot be read now are among them. */
export async function* list(eyes: Eyes, scope: 'owned' | 'all', signal: AbortSignal): AsyncGenerator<ObservedVm> {
  const machines = machinesOf(eyes.settings)
  for (let from = 0; from < machines.length; from += atOnceMax) {
    const some = machines.slice(from, from + atOnceMax)
    for (const vm of await Promise.all(some.map(one => listed(eyes, one, signal))))
      if (scope === 'all' || vm.owner !== undefined || vm.ownerUnread === true) yield vm
  }
}

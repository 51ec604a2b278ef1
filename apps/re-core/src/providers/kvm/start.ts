import { isLibvirtError, type CallOptions, type Domain, type DomainState, type Libvirt } from '@re-ops/node-libvirt'
import type { Caps } from '@re-ops/protocols'

/** Of one libvirt call; a start waits for QEMU to come up. */
const callMs = 45_000
export const within = (signal: AbortSignal): CallOptions => ({ signal, timeoutMs: callMs })

export type KvmDeps = {
  readonly now: () => number
  /** Guests are started with their CPUs stopped: for tests that need machines and no operating system. */
  readonly paused?: boolean
  /** Other times than those of a busy host; tests and the proof kit. */
  readonly caps?: Partial<Pick<Caps, 'maxVisibilityLagMs' | 'latestLandingMs'>>
  /** Called before and after each effect, by name; tests end the world there. */
  readonly at?: (point: string, ref: string) => void | Promise<void>
}
export const point = async ({ at }: KvmDeps, name: string, ref: string) => at?.(name, ref)

/** A machine that runs already is left alone; a suspended one goes on. */
export const start = async (deps: KvmDeps, libvirt: Libvirt, dom: Domain, signal: AbortSignal): Promise<void> => {
  const { domains } = libvirt
  const state = async () => (await domains.state(dom, within(signal))).state
  const before = await state()
  if (isUp(deps, before)) return
  await point(deps, 'start.begin', dom.uuid)
  const paused = deps.paused === true ? { paused: true } : {}
  try {
    if (before === 'paused') await domains.resume(dom, within(signal))
    else await domains.create(dom, { ...paused, ...within(signal) })
  } catch (error) {
    // Somebody else may have started it meanwhile; drivers have different numbers for that.
    if (!isLibvirtError(error) || isLibvirtError(error, 'no-domain') || !isUp(deps, await state())) throw error
  }
}
const isUp = ({ paused }: KvmDeps, state: DomainState): boolean =>
  state === 'running' || state === 'blocked' || (paused === true && state === 'paused')

import { makeKvm, noLimiter } from '@re-ops/re-core/testing'
import type { ObservedVm } from '@re-ops/protocols'
import {
  disksOf,
  machinesOf,
  openQemuTarget,
  openTestTarget,
  type KvmTarget,
} from '../../../provider-conformance/testing/kvm-target.ts'
import type { Machine, Stage } from '../stage.ts'

const lookMs = 20_000

export type KvmStage = Stage & { readonly kvm: KvmTarget }
const stageOf = (kvm: KvmTarget, livesMax: number, paused: boolean): KvmStage => {
  const account = { name: 'test', settings: kvm.settings, secret: null }
  const provider = makeKvm({ now: Date.now, paused }, { account, region: 'here', limiter: noLimiter })
  const alive = async (): Promise<Machine[]> => {
    const seen = new Map<string, ObservedVm>()
    for await (const vm of provider.list('all', AbortSignal.timeout(lookMs))) seen.set(vm.ref, vm)
    return (await machinesOf(kvm)).map(({ uuid }) => {
      const vm = seen.get(uuid)
      const { vmId: system = null, generation = 0 } = vm?.owner ?? {}
      return { ref: uuid, system, generation, running: vm?.power === 'running' }
    })
  }
  return {
    kvm,
    worker: {
      kind: 'kvm',
      // No guest here calls home by itself.
      settings: { ...kvm.settings, home: 'http://192.0.2.1:7020' },
      secret: null,
      region: 'here',
      root: '',
      paused,
      // A daemon of one's own ends what a dead client asked for within moments.
      caps: { maxVisibilityLagMs: 0, latestLandingMs: 1_000 },
    },
    spec: { provider: 'kvm', account: 'test', region: 'here', size: 'small', image: 'blank' },
    largerSize: 'larger',
    livesMax,
    alive,
    leftovers: async () => (await disksOf(kvm)).map(one => one.name),
    stop: async () => {
      await kvm.libvirt.close()
      await kvm.daemon.stop()
    },
  }
}

/** libvirt's test driver in a daemon of its own: its machines outlive the workers, and cost nothing. */
export const openTestDriver = async (): Promise<KvmStage> => stageOf(await openTestTarget(), 40, false)

/** Real QEMU; the guests' processors stand still. */
export const openQemu = async (): Promise<KvmStage> => stageOf(await openQemuTarget(), 8, true)

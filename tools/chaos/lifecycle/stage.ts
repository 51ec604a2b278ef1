import type { LifeWorker } from '@re-ops/re-core/testing'
import type { SystemSpec } from '@re-ops/protocols'

/** A machine as it really is, counted past the provider. `system` null: nobody can say whose it is. */
export type Machine = {
  readonly ref: string
  readonly system: string | null
  readonly generation: number
  readonly running: boolean
}

/** Where lives are led: a cloud's stand-in, libvirt, this computer. */
export type Stage = {
  readonly worker: Pick<LifeWorker, 'kind' | 'settings' | 'secret' | 'region' | 'root' | 'caps' | 'paused'>
  readonly spec: Partial<SystemSpec>
  /** A size to resize to; null where sizes cannot be changed. */
  readonly largerSize: string | null
  /** Machines at once. */
  readonly livesMax: number
  /** That exist and would cost something. */
  readonly alive: () => Promise<readonly Machine[]>
  /** What is left when all machines are gone, by name. */
  readonly leftovers: () => Promise<readonly string[]>
  readonly stop: () => Promise<void>
}

export const targets = ['fake-ec2', 'fake-do', 'local', 'libvirt-test', 'qemu'] as const
export type TargetName = (typeof targets)[number]

/** Loads what the target needs, and starts it. `folder` is for what it puts on disk. */
export const openStage = async (target: TargetName, folder: string): Promise<Stage> => {
  switch (target) {
    case 'fake-ec2':
      return (await import('./stages/ec2.ts')).openEc2()
    case 'fake-do':
      return (await import('./stages/digitalocean.ts')).openDigitalOcean()
    case 'local':
      return (await import('./stages/local.ts')).openLocal(folder)
    case 'libvirt-test':
      return (await import('./stages/kvm.ts')).openTestDriver()
    case 'qemu':
      return (await import('./stages/kvm.ts')).openQemu()
  }
}

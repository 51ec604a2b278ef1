import type { ProviderKind } from '@re-ops/protocols'
import type { Driver } from './driver.ts'
import type { DoDeps } from './digitalocean/digitalocean.ts'
import { doDriver } from './digitalocean/driver.ts'
import { ec2Driver } from './ec2/driver.ts'
import type { Ec2Deps } from './ec2/ec2.ts'
import { kvmDriver } from './kvm/driver.ts'
import type { KvmDeps } from './kvm/start.ts'
import { localDriver } from './local/driver.ts'
import type { LocalDeps } from './local/start.ts'
import { physicalDriver } from './physical/driver.ts'
import type { PhysicalDeps } from './physical/physical.ts'

/** What each provider needs; null where this installation does not offer it. */
export type ProviderDeps = {
  readonly local: LocalDeps | null
  readonly ec2: Ec2Deps
  readonly kvm: KvmDeps
  readonly digitalocean?: DoDeps
  readonly physical?: PhysicalDeps
}

/** Every provider, one line each. */
export const driverTable = ({ local, ...rest }: ProviderDeps): ReadonlyMap<ProviderKind, Driver> => {
  const all = [
    ...(local === null ? [] : [localDriver(local)]),
    ec2Driver(rest.ec2),
    kvmDriver(rest.kvm),
    doDriver(rest.digitalocean),
    physicalDriver(rest.physical),
  ]
  return new Map(all.map(driver => [driver.kind, driver]))
}

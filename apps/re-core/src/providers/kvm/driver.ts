import type { Driver } from '../driver.ts'
import { kvmCaps } from './caps.ts'
import { makeKvm } from './kvm.ts'
import { KvmSettings, kvmDefaults } from './settings.ts'
import type { KvmDeps } from './start.ts'

/** libvirt knows who asks by the socket or by ssh's own keys: there is no secret to keep. */
export const kvmDriver = (deps: KvmDeps): Driver => ({
  kind: 'kvm',
  caps: { ...kvmCaps, ...deps.caps },
  limits: [],
  size: kvmDefaults.size,
  image: kvmDefaults.image,
  prices: 'free',
  noQuotas: 'libvirt has none',
  account: { settings: KvmSettings, secret: 'none', checkSecret: () => undefined },
  open: place => makeKvm(deps, place),
})

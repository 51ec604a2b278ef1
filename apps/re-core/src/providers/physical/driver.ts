import type { Driver } from '../driver.ts'
import { physicalCaps, physicalSize } from './caps.ts'
import { makePhysical, type PhysicalDeps } from './physical.ts'
import { keyOf, PhysicalSettings } from './settings.ts'

export const physicalDriver = (deps: PhysicalDeps = {}): Driver => ({
  kind: 'physical',
  caps: physicalCaps,
  limits: [],
  size: physicalSize,
  image: physicalSize,
  prices: 'free',
  noQuotas: 'its machines are those of its settings',
  account: {
    settings: PhysicalSettings,
    secret: 'required',
    checkSecret: secret => void keyOf(secret),
    // Its settings name the same machines in each.
    oneRegion: true,
  },
  open: place => makePhysical(deps, place),
})

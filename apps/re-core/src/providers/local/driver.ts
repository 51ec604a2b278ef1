import type { Driver } from '../driver.ts'
import { localCaps, localImage, localSize, makeLocal } from './local.ts'
import type { LocalDeps } from './start.ts'

/** This computer is the one account there is. */
export const localDriver = (deps: LocalDeps): Driver => ({
  kind: 'local',
  caps: localCaps,
  limits: [],
  size: localSize,
  image: localImage,
  prices: 'free',
  account: null,
  open: () => makeLocal(deps),
})

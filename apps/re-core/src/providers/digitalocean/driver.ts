import type { Driver } from '../driver.ts'
import { doCaps, doLimits } from './caps.ts'
import { makeDigitalOcean, type DoDeps } from './digitalocean.ts'
import { DoSettings, tokenOf } from './settings.ts'
import { sizeNames } from './words.ts'

export const doDriver = (deps: DoDeps = {}): Driver => ({
  kind: 'digitalocean',
  caps: { ...doCaps, ...deps.caps },
  limits: doLimits,
  size: 'small',
  image: 'debian-12',
  sizeNames,
  prices: 'catalog',
  account: { settings: DoSettings, secret: 'required', checkSecret: secret => void tokenOf(secret) },
  open: place => makeDigitalOcean(deps, place),
})

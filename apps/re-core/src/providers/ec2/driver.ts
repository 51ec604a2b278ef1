import type { Driver } from '../driver.ts'
import { ec2Caps, ec2Limits } from './caps.ts'
import { makeEc2, type Ec2Deps } from './ec2.ts'
import { credentialsOf, Ec2Settings } from './settings.ts'
import { sizeNames } from './words.ts'

export const ec2Driver = (deps: Ec2Deps = {}): Driver => ({
  kind: 'ec2',
  caps: { ...ec2Caps, ...deps.caps },
  limits: ec2Limits,
  size: 'small',
  image: 'debian-12',
  sizeNames,
  prices: 'file',
  noQuotas:
    'EC2 tells its limits (vCPUs by family) only through another service, Service Quotas, which re-core does not ask',
  account: { settings: Ec2Settings, secret: 'optional', checkSecret: secret => void credentialsOf(secret) },
  open: place => makeEc2(deps, place),
})

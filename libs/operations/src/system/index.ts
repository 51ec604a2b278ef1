import type { AnyOperation } from '@re-ops/pipelines'
import { hostId, localeGet } from './host.ts'
import { hostnameGet, hostnameSet } from './hostname.ts'
import { kernelModules, sysctlGet, sysctlSet } from './kernel.ts'
import { time } from './time.ts'

export { hostId, hostnameGet, hostnameSet, kernelModules, localeGet, sysctlGet, sysctlSet, time }

export const systemOperations: readonly AnyOperation[] = [
  hostId,
  hostnameGet,
  hostnameSet,
  kernelModules,
  localeGet,
  sysctlGet,
  sysctlSet,
  time,
]

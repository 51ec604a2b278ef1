import type { AnyOperation } from '@re-ops/pipelines'
import { resticOperations } from './backup/index.ts'
import { cronOperations } from './cron/cron.ts'
import { diskOperations } from './disk/index.ts'
import { dockerOperations } from './docker/index.ts'
import { factsCustom } from './facts-custom.ts'
import { facts } from './facts.ts'
import { fileOperations } from './file/index.ts'
import { gitOperations } from './git/git.ts'
import { hostOperations } from './host.ts'
import { load } from './load.ts'
import { memory } from './memory.ts'
import { metricsOperations } from './metrics/index.ts'
import { networkOperations } from './network/index.ts'
import { osqueryOperations } from './osquery.ts'
import { packageOperations } from './package/index.ts'
import { ping } from './ping.ts'
import { processOperations } from './process/index.ts'
import { securityOperations } from './security/index.ts'
import { sensorsOperations } from './sensors.ts'
import { serviceOperations } from './service/index.ts'
import { shell } from './shell.ts'
import { systemOperations } from './system/index.ts'
import { uptime } from './uptime.ts'
import { userOperations } from './user/index.ts'
import { waitOperations } from './wait.ts'
import { zfsOperations } from './zfs/index.ts'

/** Every operation there is, family by family. */
export const catalogue: readonly AnyOperation[] = [
  facts,
  factsCustom,
  load,
  memory,
  ping,
  shell,
  uptime,
  ...cronOperations,
  ...diskOperations,
  ...dockerOperations,
  ...fileOperations,
  ...gitOperations,
  ...hostOperations,
  ...metricsOperations,
  ...networkOperations,
  ...osqueryOperations,
  ...packageOperations,
  ...processOperations,
  ...resticOperations,
  ...securityOperations,
  ...sensorsOperations,
  ...serviceOperations,
  ...systemOperations,
  ...userOperations,
  ...waitOperations,
  ...zfsOperations,
]

const byName = new Map(catalogue.map(one => [one.name, one]))

export const operationNamed = (name: string): AnyOperation | undefined => byName.get(name)

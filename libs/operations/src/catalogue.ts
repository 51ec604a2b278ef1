import type { AnyOperation } from '@re-ops/pipelines'
import { cronOperations } from './cron/cron.ts'
import { diskOperations } from './disk/index.ts'
import { facts } from './facts.ts'
import { fileOperations } from './file/index.ts'
import { gitOperations } from './git/git.ts'
import { load } from './load.ts'
import { memory } from './memory.ts'
import { packageOperations } from './package/index.ts'
import { ping } from './ping.ts'
import { processOperations } from './process/index.ts'
import { serviceOperations } from './service/index.ts'
import { shell } from './shell.ts'
import { systemOperations } from './system/index.ts'
import { uptime } from './uptime.ts'
import { userOperations } from './user/index.ts'

/** Every operation there is, family by family. */
export const catalogue: readonly AnyOperation[] = [
  facts,
  load,
  memory,
  ping,
  shell,
  uptime,
  ...cronOperations,
  ...diskOperations,
  ...fileOperations,
  ...gitOperations,
  ...packageOperations,
  ...processOperations,
  ...serviceOperations,
  ...systemOperations,
  ...userOperations,
]

const byName = new Map(catalogue.map(one => [one.name, one]))

export const operationNamed = (name: string): AnyOperation | undefined => byName.get(name)

import type { AnyOperation } from '@re-ops/pipelines'
import { disk } from './disk.ts'
import { facts } from './facts.ts'
import { fileOperations } from './file/index.ts'
import { load } from './load.ts'
import { memory } from './memory.ts'
import { packageOperations } from './package/index.ts'
import { ping } from './ping.ts'
import { processList } from './process.ts'
import { serviceOperations } from './service/index.ts'
import { shell } from './shell.ts'
import { uptime } from './uptime.ts'
import { userOperations } from './user/index.ts'

/** Every operation there is, by name. */
export const catalogue: readonly AnyOperation[] = [
  disk,
  facts,
  load,
  memory,
  ping,
  processList,
  shell,
  uptime,
  ...fileOperations,
  ...packageOperations,
  ...serviceOperations,
  ...userOperations,
]

export const operationNamed = (name: string): AnyOperation | undefined => catalogue.find(one => one.name === name)

import type { AnyOperation } from '@re-ops/pipelines'
import { disk } from './disk.ts'
import { facts } from './facts.ts'
import { fileOperations } from './file/index.ts'
import { load } from './load.ts'
import { memory } from './memory.ts'
import { ping } from './ping.ts'
import { processList } from './process.ts'
import { shell } from './shell.ts'
import { uptime } from './uptime.ts'

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
]

export const operationNamed = (name: string): AnyOperation | undefined => catalogue.find(one => one.name === name)

import { readFile } from 'node:fs/promises'
import { setTimeout as after } from 'node:timers/promises'
import type { Native } from '@re-ops/protocols'
import { entropySample, loadSample } from './load.ts'
import { memorySample } from './memory.ts'
import { cpuUse, diskRates, networkRates, type Reading } from './rates.ts'

const text = (path: string) => readFile(path, 'utf8')
const reading = async (path: string): Promise<Reading> => ({ atMs: performance.now(), text: await text(path) })

/** Two readings of a file, a moment apart: no process is started. */
const over =
  (path: string, between: (before: Reading, after: Reading) => unknown): Native<unknown, unknown> =>
  async (input, { signal }) => {
    const { windowMs = 1000 } = input as { windowMs?: number }
    const before = await reading(path)
    await after(windowMs, undefined, { signal })
    return between(before, await reading(path))
  }

const random = '/proc/sys/kernel/random'

export const metricsNatives: readonly (readonly [string, Native<unknown, unknown>])[] = [
  ['metrics.cpu', over('/proc/stat', cpuUse)],
  ['metrics.disk', over('/proc/diskstats', diskRates)],
  ['metrics.network', over('/proc/net/dev', networkRates)],
  ['metrics.memory', async () => memorySample(await text('/proc/meminfo'))],
  ['metrics.load', async () => loadSample(await text('/proc/loadavg'))],
  [
    'metrics.entropy',
    async () => entropySample(await text(`${random}/entropy_avail`), await text(`${random}/poolsize`)),
  ],
]

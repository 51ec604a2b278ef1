import { operation, Type, type Static } from '@re-ops/pipelines'
import { wholeNumber } from '../sections.ts'

const Rate = Type.Number({ minimum: 0 })
const empty = Type.Object({}, { additionalProperties: false })

const LoadSample = Type.Object({
  one: Rate,
  five: Rate,
  fifteen: Rate,
  running: Type.Integer({ minimum: 0, description: 'threads that run or want to' }),
  threads: Type.Integer({ minimum: 0 }),
})

/** /proc/loadavg as a sample, for both forms. */
export const loadSample = (text: string): Static<typeof LoadSample> => {
  const match = /^([\d.]+) ([\d.]+) ([\d.]+) (\d+)\/(\d+)/.exec(text)
  if (!match) throw new Error('no load averages in the output')
  const [one = 0, five = 0, fifteen = 0, running = 0, threads = 0] = match.slice(1).map(Number)
  return { one, five, fifteen, running, threads }
}

export const metricsLoad = operation({
  name: 'metrics.load',
  doc: 'Load averages, and how many threads there are and run.',
  input: empty,
  output: LoadSample,
  reads: true,
  native: true,
  shell: { command: () => ['cat', '/proc/loadavg'], parse: ({ stdout }) => loadSample(stdout) },
  varies: { one: 'any', five: 'any', fifteen: 'any', running: 'any', threads: { tolerance: 0.5, absolute: 100 } },
  summary: { one: ['min', 'mean', 'max'], five: ['max'], fifteen: ['max'], threads: ['sum'] },
  display: {
    columns: [
      { title: '1 MIN', get: l => l.one.toFixed(2) },
      { title: '5 MIN', get: l => l.five.toFixed(2) },
      { title: '15 MIN', get: l => l.fifteen.toFixed(2) },
      { title: 'RUNNING', get: l => `${l.running} of ${l.threads}` },
    ],
  },
})

export const entropySample = (available: string | undefined, pool: string | undefined) => ({
  availableBits: wholeNumber(available, 'entropy'),
  poolBits: wholeNumber(pool, 'size of the pool'),
})

export const metricsEntropy = operation({
  name: 'metrics.entropy',
  doc: 'How much entropy the kernel has for random numbers.',
  input: empty,
  output: Type.Object({ availableBits: Type.Integer({ minimum: 0 }), poolBits: Type.Integer({ minimum: 0 }) }),
  reads: true,
  native: true,
  shell: {
    command: () => ['cat', '/proc/sys/kernel/random/entropy_avail', '/proc/sys/kernel/random/poolsize'],
    parse: ({ stdout }) => {
      const [available, pool] = stdout.split('\n')
      return entropySample(available, pool)
    },
  },
  varies: { availableBits: { tolerance: 0.5, absolute: 256 } },
  summary: { availableBits: ['min'] },
  display: { columns: [{ title: 'ENTROPY', get: e => `${e.availableBits} of ${e.poolBits} bits` }] },
})

import { operation, Type } from '@re-ops/pipelines'
import { percent } from '../show.ts'
import { cpuUse } from './rates.ts'
import { callTimeoutMs, readings, twice, Window, windowArgs } from './window.ts'

const Share = Type.Number({ minimum: 0, maximum: 1 })

const Cpu = Type.Object({
  used: Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'share of all cores that was not idle or waiting for disks',
  }),
  user: Share,
  nice: Share,
  system: Share,
  idle: Share,
  iowait: Share,
  irq: Share,
  softirq: Share,
  steal: Share,
  cores: Type.Array(Type.Object({ core: Type.Integer({ minimum: 0 }), used: Share })),
})

export const metricsCpu = operation({
  name: 'metrics.cpu',
  doc: 'What the processors did over a moment: shares of all of them, and of each.',
  input: Type.Object(Window, { additionalProperties: false }),
  output: Cpu,
  reads: true,
  native: true,
  shell: {
    script: () => twice('grep "^cpu" /proc/stat'),
    args: windowArgs,
    timeoutMs: callTimeoutMs,
    parse: ({ stdout }) => {
      const { before, after } = readings(stdout)
      return cpuUse(before, after)
    },
  },
  varies: Object.fromEntries(
    [...Object.keys(Cpu.properties).filter(name => name !== 'cores'), 'cores.used'].map(name => [name, 'any' as const]),
  ),
  summary: { used: ['min', 'mean', 'max'], iowait: ['mean', 'max'], steal: ['mean', 'max'] },
  display: {
    columns: [
      { title: 'USED', get: c => percent(c.used) },
      { title: 'USER', get: c => percent(c.user + c.nice) },
      { title: 'SYSTEM', get: c => percent(c.system + c.irq + c.softirq) },
      { title: 'IOWAIT', get: c => percent(c.iowait) },
      { title: 'STEAL', get: c => percent(c.steal) },
      { title: 'BUSIEST CORE', get: c => percent(Math.max(0, ...c.cores.map(one => one.used))) },
    ],
  },
})

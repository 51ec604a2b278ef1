import { operation, Type, type Static } from '@re-ops/pipelines'
import { wholeNumber } from '../sections.ts'
import { bytes, percent } from '../show.ts'
import { topProcesses } from './rates.ts'
import { callTimeoutMs, readings, twice, Window, windowArgs } from './window.ts'

const Top = Type.Object({
  pid: Type.Integer(),
  name: Type.String({ description: 'of the program, at most 15 bytes' }),
  cpu: Type.Number({ minimum: 0, description: 'cores it used over the moment; more than 1 with several threads' }),
  memoryBytes: Type.Integer({ minimum: 0, description: 'resident' }),
  threads: Type.Integer({ minimum: 0 }),
})
type Top = Static<typeof Top>

export const metricsTop = operation({
  name: 'metrics.top',
  doc: 'The processes that used the processors most (or hold most memory) over a moment.',
  input: Type.Object(
    {
      ...Window,
      top: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'how many; default 10' })),
      by: Type.Optional(
        Type.Union([Type.Literal('cpu'), Type.Literal('memory')], { description: 'the order; default cpu' }),
      ),
    },
    { additionalProperties: false },
  ),
  output: Type.Array(Top),
  reads: true,
  shell: {
    script: () =>
      twice(
        'cat /proc/[0-9]*/stat 2>/dev/null',
        'echo "== clock"; getconf CLK_TCK 2>/dev/null || echo 100; getconf PAGESIZE 2>/dev/null || echo 4096; echo "== self"; echo $$',
      ),
    args: windowArgs,
    timeoutMs: callTimeoutMs,
    parse: ({ stdout }, { top = 10, by = 'cpu' }) => {
      const { parts, before, after } = readings(stdout)
      const [ticks, page] = (parts.get('clock') ?? '').split('\n')
      const machine = { ticks: wholeNumber(ticks, 'clock rate'), page: wholeNumber(page, 'page size') }
      const self = wholeNumber(parts.get('self'), 'process id')
      const key = by === 'cpu' ? 'cpu' : 'memoryBytes'
      return topProcesses(before, after, machine)
        .filter(one => one.pid !== self && one.ppid !== self)
        .sort((a, b) => b[key] - a[key] || b.memoryBytes - a.memoryBytes || a.pid - b.pid)
        .slice(0, top)
        .map(({ pid, name, cpu, memoryBytes, threads }) => ({ pid, name, cpu, memoryBytes, threads }))
    },
  },
  varies: { '': 'any' },
  summary: { cpu: ['max', 'sum'], memoryBytes: ['max'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'PID', get: (one: Top) => String(one.pid) },
      { title: 'NAME', get: (one: Top) => one.name },
      { title: 'CPU', get: (one: Top) => percent(one.cpu) },
      { title: 'MEMORY', get: (one: Top) => bytes(one.memoryBytes) },
      { title: 'THREADS', get: (one: Top) => String(one.threads) },
    ],
  },
})

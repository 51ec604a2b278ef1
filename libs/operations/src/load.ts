import { operation, Type } from '@re-ops/pipelines'
import { sections, wholeNumber } from './sections.ts'

const Load = Type.Number({ minimum: 0 })

export const load = operation({
  name: 'load',
  doc: 'Load averages over one, five and fifteen minutes, and the number of cores.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({ one: Load, five: Load, fifteen: Load, cores: Type.Integer({ minimum: 1 }) }),
  reads: true,
  shell: {
    script: () =>
      'echo "== load"; cat /proc/loadavg; echo "== cores"; getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c "^processor" /proc/cpuinfo',
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const averages = (parts.get('load') ?? '').split(' ').slice(0, 3).map(Number)
      const [one, five, fifteen] = averages
      if (one === undefined || five === undefined || fifteen === undefined || averages.some(Number.isNaN))
        throw new Error('no load averages in the output')
      return { one, five, fifteen, cores: wholeNumber(parts.get('cores'), 'number of cores') }
    },
  },
  varies: { one: 'any', five: 'any', fifteen: { tolerance: 0.5, absolute: 2 } },
  summary: { one: ['min', 'mean', 'max'], five: ['max'], fifteen: ['max'], cores: ['sum'] },
  display: {
    columns: [
      { title: '1 MIN', get: l => l.one.toFixed(2) },
      { title: '5 MIN', get: l => l.five.toFixed(2) },
      { title: '15 MIN', get: l => l.fifteen.toFixed(2) },
      { title: 'CORES', get: l => String(l.cores) },
    ],
  },
})

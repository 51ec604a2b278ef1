import { operation, Type } from '@re-ops/pipelines'
import { sections, wholeNumber } from './sections.ts'
import { duration } from './show.ts'

/** `btime` of /proc/stat (proc(5)): when the kernel started, whole seconds since 1970. It does not wander, unlike now minus uptime. */
export const bootTime = (text: string | undefined): string =>
  new Date(wholeNumber(text?.replace(/^btime /, ''), 'btime') * 1000).toISOString()

export const uptime = operation({
  name: 'uptime',
  doc: 'How long the host has been up, and since when.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({ seconds: Type.Number({ minimum: 0 }), bootedAt: Type.String({ format: 'date-time' }) }),
  reads: true,
  shell: {
    script: () => 'echo "== uptime"; cat /proc/uptime; echo "== boot"; grep "^btime " /proc/stat',
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const seconds = Number.parseFloat(parts.get('uptime') ?? '')
      if (Number.isNaN(seconds)) throw new Error('no uptime in the output')
      return { seconds, bootedAt: bootTime(parts.get('boot')) }
    },
  },
  varies: { seconds: { tolerance: 0, absolute: 60 }, bootedAt: 'host' },
  summary: { seconds: ['min', 'max'] },
  display: {
    columns: [
      { title: 'UP', get: u => duration(u.seconds) },
      { title: 'SINCE', get: u => u.bootedAt.replace('T', ' ').replace(/\..*/, '') },
    ],
  },
})

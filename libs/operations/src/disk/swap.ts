import { operation, Type, type Static } from '@re-ops/pipelines'
import { scriptWith } from '../script.ts'
import { sections, wholeNumber } from '../sections.ts'
import { bytes } from '../show.ts'
import { lines } from '../text.ts'

const Area = Type.Object({
  path: Type.String(),
  type: Type.String({ description: 'partition or file' }),
  totalBytes: Type.Integer(),
  usedBytes: Type.Integer(),
  priority: Type.Integer(),
})
type Area = Static<typeof Area>

/** Blanks in names of files are written as \040, as in /proc/mounts. */
const unescaped = (text: string) =>
  text.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

export const diskSwap = operation({
  name: 'disk.swap',
  doc: 'Where the host swaps to, how much of it is used, and how eager it is to.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({
    totalBytes: Type.Integer(),
    usedBytes: Type.Integer(),
    swappiness: Type.Integer(),
    areas: Type.Array(Area),
  }),
  reads: true,
  shell: {
    script: () => scriptWith({}, 'echo "== swaps"; cat /proc/swaps\necho "== swappiness"; cat /proc/sys/vm/swappiness'),
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const areas = lines(parts.get('swaps'))
        .slice(1)
        .map((line): Area => {
          const [path = '', type = '', total, used, priority] = line.split(/\s+/)
          return {
            path: unescaped(path),
            type,
            totalBytes: wholeNumber(total, 'size of swap') * 1024,
            usedBytes: wholeNumber(used, 'used swap') * 1024,
            priority: Number(priority),
          }
        })
      const sum = (key: 'totalBytes' | 'usedBytes') => areas.reduce((so, one) => so + one[key], 0)
      return {
        totalBytes: sum('totalBytes'),
        usedBytes: sum('usedBytes'),
        swappiness: wholeNumber(parts.get('swappiness'), 'swappiness'),
        areas,
      }
    },
  },
  varies: { usedBytes: 'any', 'areas.usedBytes': 'any' },
  summary: { totalBytes: ['sum'], usedBytes: ['sum', 'max'], swappiness: ['histogram'] },
  display: {
    columns: [
      { title: 'USED', get: s => bytes(s.usedBytes) },
      { title: 'SIZE', get: s => bytes(s.totalBytes) },
      { title: 'SWAPPINESS', get: s => String(s.swappiness) },
      { title: 'WHERE', get: s => s.areas.map(area => area.path).join(' ') },
    ],
  },
})

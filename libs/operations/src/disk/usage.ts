import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { bytes } from '../show.ts'
import { lines, Path } from '../text.ts'

const topDefault = 20
const Used = Type.Object({ path: Type.String(), bytes: Type.Integer({ minimum: 0 }) })
type Used = Static<typeof Used>

/** One file system; what may not be looked into is counted, not fatal. A path with a line break in it is left out by `du`'s reader. */
const script = `[ -d "$path" ] || fail "$path is not a folder"
du -x -k -d "$depth" \${files:+-a} -- "$path" | sort -k 1,1nr | head -n "$((top + 1))"`

export const diskUsage = operation({
  name: 'disk.usage',
  doc: 'What takes the room below a folder, the biggest first.',
  input: Type.Object(
    {
      path: Path({ examples: ['/var'] }),
      top: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: `default ${topDefault}` })),
      depth: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 16, description: 'levels below the folder; default 1' }),
      ),
      files: Type.Optional(Type.Boolean({ description: 'also files, not only folders' })),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    totalBytes: Type.Integer({ minimum: 0 }),
    entries: Type.Array(Used),
    unreadable: Type.Integer({ description: 'folders that may not be looked into' }),
  }),
  reads: true,
  shell: {
    script: ({ path, top = topDefault, depth = 1, files }) => scriptWith({ path, top, depth, files }, script),
    ...becomes,
    parse: ({ stdout, stderr }, { path, top = topDefault }) => {
      const all = lines(stdout).flatMap((line): Used[] => {
        const match = /^(\d+)\t(\/.*)$/.exec(line)
        return match ? [{ path: match[2] ?? '', bytes: Number(match[1]) * 1024 }] : []
      })
      const total = all.find(one => one.path === path)
      if (!total) throw new Error('no total in the output')
      const entries = all.filter(one => one !== total).slice(0, top)
      return { totalBytes: total.bytes, entries, unreadable: lines(stderr).length }
    },
  },
  varies: { totalBytes: { tolerance: 0.05, absolute: 1_048_576 }, entries: 'any', unreadable: 'any' },
  summary: { totalBytes: ['sum', 'max'] },
  display: {
    rows: found => found.entries,
    columns: [
      { title: 'SIZE', get: (u: Used) => bytes(u.bytes) },
      { title: 'PATH', get: (u: Used) => u.path },
    ],
  },
})

import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { bytes } from '../show.ts'
import { lines, oneOf, Path, Word } from '../text.ts'
import { Entry, entryFormat, entryOf } from './entry.ts'

const limitDefault = 1000
const Found = Type.Object({
  entries: Type.Array(Type.Object({ path: Type.String(), name: Type.String(), ...Entry.properties })),
  truncated: Type.Boolean({ description: 'there are more than `limit`' }),
  unreadable: Type.Integer({
    minimum: 0,
    description: 'folders that may not be looked into, and files gone meanwhile',
  }),
})
type Found = Static<typeof Found>
const limitInput = {
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 2000, description: `at most so many, by path; default ${limitDefault}` }),
  ),
}

/** The tests of find are the positional parameters. A name with a line break in it cannot be told and is left out. */
const body = `[ -d "$path" ] || { [ -e "$path" ] && fail "$path is not a directory"; fail "$path is not there"; }
path=\${path%/}
cd -- "$path/"
line_break='
'
find "$path/" -mindepth 1 "$@" ! -name "*$line_break*" -exec stat -c '${entryFormat}' -- {} + | sort -t / -k 2 | head -n "$((limit + 1))"`

const parse = (
  { stdout, stderr }: { stdout: string; stderr: string },
  { limit = limitDefault }: { limit?: number },
): Found => {
  const all = lines(stdout)
  return {
    entries: all.slice(0, limit).map(line => {
      const { entry, path } = entryOf(line)
      return { path, name: path.slice(path.lastIndexOf('/') + 1), ...entry }
    }),
    truncated: all.length > limit,
    unreadable: lines(stderr).filter(line => /Permission denied|No such file/.test(line)).length,
  }
}

const display = {
  rows: (found: Found) => found.entries,
  columns: [
    { title: 'PATH', get: (e: Found['entries'][number]) => e.path },
    { title: 'TYPE', get: (e: Found['entries'][number]) => e.type },
    { title: 'SIZE', get: (e: Found['entries'][number]) => bytes(e.sizeBytes) },
    { title: 'MODE', get: (e: Found['entries'][number]) => e.mode },
    { title: 'OWNER', get: (e: Found['entries'][number]) => `${e.owner}:${e.group}` },
    { title: 'MODIFIED', get: (e: Found['entries'][number]) => e.modifiedAt },
  ],
}

export const fileList = operation({
  name: 'file.list',
  doc: 'What is in a folder, by name.',
  input: Type.Object(
    { path: Path({ examples: ['/etc/apt'] }), ...limitInput, ...becomeInput },
    { additionalProperties: false },
  ),
  output: Found,
  reads: true,
  shell: {
    script: ({ path, limit = limitDefault }) => scriptWith({ path, limit }, body, ['-maxdepth', '1']),
    ...becomes,
    parse,
  },
  varies: { 'entries.modifiedAt': 'host' },
  display,
})

export const fileFind = operation({
  name: 'file.find',
  doc: 'The files below a folder that have a name, type, size and age.',
  input: Type.Object(
    {
      path: Path({ examples: ['/var/log'] }),
      name: Type.Optional(Word({ description: 'a glob for the last part of the path', examples: ['*.log'] })),
      type: Type.Optional(
        oneOf(['file', 'directory', 'link'], {
          description: 'default any',
        }),
      ),
      sizeBytesMin: Type.Optional(Type.Integer({ minimum: 0 })),
      sizeBytesMax: Type.Optional(Type.Integer({ minimum: 0 })),
      olderThanMinutes: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: 'since it was modified' }),
      ),
      newerThanMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 })),
      depthMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: '1 is the folder itself' })),
      otherFileSystems: Type.Optional(Type.Boolean({ description: 'also what is mounted below; default not' })),
      ...limitInput,
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Found,
  reads: true,
  shell: {
    script: ({ path, limit = limitDefault, ...asked }) => scriptWith({ path, limit }, body, findTests(asked)),
    ...becomes,
    parse,
  },
  varies: { 'entries.modifiedAt': 'host' },
  display,
})

type Asked = {
  name?: string
  type?: 'file' | 'directory' | 'link'
  sizeBytesMin?: number
  sizeBytesMax?: number
  olderThanMinutes?: number
  newerThanMinutes?: number
  depthMax?: number
  otherFileSystems?: boolean
}
/** `-size` and `-mmin` count more than (+) and less than (-), so the edges move by one. */
const findTests = (asked: Asked): string[] => [
  ...(asked.depthMax === undefined ? [] : ['-maxdepth', String(asked.depthMax)]),
  ...(asked.otherFileSystems === true ? [] : ['-xdev']),
  ...(asked.type === undefined ? [] : ['-type', asked.type.slice(0, 1)]),
  ...(asked.name === undefined ? [] : ['-name', asked.name]),
  ...(asked.sizeBytesMin === undefined || asked.sizeBytesMin === 0 ? [] : ['-size', `+${asked.sizeBytesMin - 1}c`]),
  ...(asked.sizeBytesMax === undefined ? [] : ['-size', `-${asked.sizeBytesMax + 1}c`]),
  ...(asked.olderThanMinutes === undefined ? [] : ['-mmin', `+${asked.olderThanMinutes}`]),
  ...(asked.newerThanMinutes === undefined ? [] : ['-mmin', `-${asked.newerThanMinutes}`]),
]

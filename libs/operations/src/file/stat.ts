import { operation, Type } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { bytes } from '../show.ts'
import { lines, Path } from '../text.ts'
import { Entry, entryFormat, entryOf } from './entry.ts'

/** Absent is an answer; that one may not look is a failure. */
const body = `if found=$(stat $follow -c '${entryFormat}' -- "$path" 2>&1); then
  printf '%s\\n' "$found"
  [ ! -L "$path" ] || readlink -- "$path"
else
  case $found in
    *'No such file or directory'* | *'Not a directory'*) echo absent ;;
    *) fail "$found" ;;
  esac
fi`

export const fileStat = operation({
  name: 'file.stat',
  doc: 'Whether a path is there, and its type, size, mode, owner and times.',
  input: Type.Object(
    {
      path: Path({ examples: ['/etc/hosts'] }),
      follow: Type.Optional(Type.Boolean({ description: 'what a symbolic link points at, instead of the link' })),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    exists: Type.Boolean(),
    entry: Type.Optional(Entry),
    target: Type.Optional(Type.String({ description: 'of a symbolic link, as it is written there' })),
  }),
  reads: true,
  shell: {
    script: ({ path, follow }) => scriptWith({ path, follow: follow === true ? '-L' : '' }, body),
    ...becomes,
    parse: ({ stdout }) => {
      const [first = '', target] = lines(stdout)
      if (first === 'absent') return { exists: false }
      return { exists: true, entry: entryOf(first).entry, ...(target === undefined ? {} : { target }) }
    },
  },
  varies: { 'entry.modifiedAt': 'host' },
  summary: { exists: ['histogram'], 'entry.sizeBytes': ['min', 'max'], 'entry.mode': ['histogram'] },
  display: {
    columns: [
      { title: 'TYPE', get: s => s.entry?.type ?? 'absent' },
      { title: 'SIZE', get: s => (s.entry ? bytes(s.entry.sizeBytes) : '') },
      { title: 'MODE', get: s => s.entry?.mode ?? '' },
      { title: 'OWNER', get: s => (s.entry ? `${s.entry.owner}:${s.entry.group}` : '') },
      { title: 'MODIFIED', get: s => s.entry?.modifiedAt ?? '' },
      { title: 'TARGET', get: s => s.target ?? '' },
    ],
  },
})

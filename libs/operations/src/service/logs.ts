import { operation, Type } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { Path } from '../text.ts'
import { ServiceName } from './init.ts'

const linesDefault = 50

/** The journal where there is one, else the newest file that bears the name. What is longer than 2000 characters is cut. */
const script = `work=$(mktemp "\${TMPDIR:-/tmp}/.reops-XXXXXX")
trap 'rm -f -- "$work"' EXIT
if [ -z "$file" ] && command -v journalctl >/dev/null; then
  journalctl --no-pager -q -o short-iso -n "$count" \${minutes:+--since "-\${minutes}min"} -u "$name.service" >"$work" 2>/dev/null || :
  if [ -s "$work" ] || [ -d /run/systemd/system ]; then echo journal; cut -c 1-2000 <"$work"; exit 0; fi
fi
if [ -z "$file" ]; then
  file=$(ls -t "/var/log/$name.log" "/var/log/$name"/*.log 2>/dev/null | head -n 1)
  [ -n "$file" ] || fail "there is nothing in a journal, no /var/log/$name.log and no /var/log/$name/*.log; name a file"
fi
exec 3<"$file"
printf '%s\\n' "$file"
tail -n "$count" <&3 | cut -c 1-2000`

export const serviceLogs = operation({
  name: 'service.logs',
  doc: 'The last lines that a service logged: from the journal, or from its file in /var/log.',
  input: Type.Object(
    {
      name: ServiceName,
      lines: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: `default ${linesDefault}` })),
      minutes: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 525_600, description: 'only of the last so many (journal)' }),
      ),
      file: Type.Optional(Path({ description: 'read this one' })),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    source: Type.String({ description: '`journal`, or the path of the file' }),
    lines: Type.Array(Type.String(), { description: 'the oldest first' }),
  }),
  reads: true,
  shell: {
    script: ({ name, lines: count = linesDefault, minutes, file }) =>
      scriptWith({ name, count, minutes, file }, script),
    ...becomes,
    parse: ({ stdout }) => {
      const [source = '', ...rest] = stdout.replace(/\n$/, '').split('\n')
      if (source === '') throw new Error('no source in the output')
      return { source, lines: rest }
    },
  },
  varies: { lines: 'any' },
  display: { rows: found => found.lines, columns: [{ title: 'LINE', get: (line: string) => line }] },
})

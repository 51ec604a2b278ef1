import { operation, Type } from '@re-ops/pipelines'

const folderDefault = '/etc/re-ops/facts.d'
const fileBytesMax = 65_536
const filesMax = 64
const secondsMax = 5

/**
 * Each file that others than root and its user may not write: one that may be executed is run (at most 5 s), another is read. Its lines come
 * with `>` before them, so that nothing in them is taken for a name.
 */
const script = `folder=$1; max=$2; files=$3; limit=$4; count=0
[ -d "$folder" ] || exit 0
for file in "$folder"/*; do
  [ -f "$file" ] || continue
  count=$((count + 1)); [ "$count" -le "$files" ] || { echo "! \${file##*/} more than $files files"; break; }
  case $(ls -ldL "$file") in ?????w* | ????????w*) echo "! \${file##*/} others may write it"; continue ;; esac
  # Its end comes last; where it is missing the output was longer than may be.
  if [ -x "$file" ]; then text=$({ timeout "$limit" "$file" </dev/null 2>/dev/null; printf '\\n=%s' "$?"; } | head -c "$((max + 8))")
  else text=$({ cat "$file"; printf '\\n=%s' "$?"; } | head -c "$((max + 8))"); fi
  [ "\${#text}" -le "$((max + 5))" ] || { echo "! \${file##*/} more than $max bytes"; continue; }
  code=\${text##*=}; text=\${text%=*}
  [ "$code" = 0 ] || { echo "! \${file##*/} ended with $code"; continue; }
  echo "= \${file##*/}"; printf '%s\\n' "$text" | sed 's/^/>/'
done`

/** JSON; else lines `key=value`, as facter has them; else the text. */
const valueOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    const lines = text.split('\n').filter(line => line.trim() !== '')
    const pairs = lines.map(line => /^([A-Za-z_][\w.-]*)=(.*)$/.exec(line.trim()))
    const isPairs = pairs.length > 0 && pairs.every(pair => pair !== null)
    return isPairs ? Object.fromEntries(pairs.map(pair => [pair?.[1] ?? '', pair?.[2] ?? ''])) : text.trim()
  }
}

const parse = ({ stdout }: { stdout: string }): Record<string, unknown> => {
  const found: Record<string, string[]> = {}
  const errors: string[] = []
  let at: string[] = []
  for (const line of stdout.split('\n')) {
    if (line.startsWith('= ')) found[line.slice(2)] = at = []
    else if (line.startsWith('>')) at.push(line.slice(1))
    else if (line.startsWith('! ')) errors.push(line.slice(2))
  }
  const facts = Object.entries(found).map(([file, lines]) => [file.replace(/\.[^.]*$/, ''), valueOf(lines.join('\n'))])
  return { ...(Object.fromEntries(facts) as Record<string, unknown>), ...(errors.length > 0 ? { errors } : {}) }
}

export const factsCustom = operation({
  name: 'facts.custom',
  doc: 'What the owner of the host says of it: files of /etc/re-ops/facts.d (JSON, key=value, or programs that print it), for fact:custom.NAME.',
  input: Type.Object(
    {
      folder: Type.Optional(
        Type.String({
          pattern: '^/[^\\u0000]*$',
          maxLength: 1024,
          description: `default ${folderDefault}; what another one says is not kept as facts`,
        }),
      ),
    },
    { additionalProperties: false },
  ),
  output: Type.Record(Type.String(), Type.Unknown(), {
    description:
      'by the name of the file, without what follows its last dot; `errors` tells of those that were left out',
  }),
  reads: true,
  fact: 'custom',
  shell: {
    script: () => script,
    args: ({ folder = folderDefault }) => [folder, String(fileBytesMax), String(filesMax), String(secondsMax)],
    parse,
  },
  display: { columns: [{ title: 'FACTS', get: value => Object.keys(value).join(' ') || '-' }] },
})

import { fileLimits } from '@re-ops/protocols'
import { operation, Type } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { bytes } from '../show.ts'
import { Path } from '../text.ts'
import { Content, Size, sum } from './content.ts'

/** `give HASH SIZE FILE` lets the transport have the content, from where it has not got it yet. */
export const giving = `${sum}
moved=0
give() {
  printf 'have %s %s\\n' "$1" "$2"
  IFS=' ' read -r said from || fail 'the connection to the service broke'
  case $said in
    skip) return 0 ;;
    from) ;;
    *) fail "not taken: $from" ;;
  esac
  [ "$from" -ge "$2" ] || tail -c "+$((from + 1))" <"$3" | head -c $(($2 - from))
  moved=$((moved + $2 - from))
  IFS= read -r said || fail 'the content was not taken: it changed while it was read, or the connection broke'
  [ "$said" = ok ] || fail "not taken: \${said#no }"
}`

const body = `${giving}
[ -e "$path" ] || fail "there is no $path"
[ ! -d "$path" ] || fail "$path is a folder (folder.pull takes folders)"
[ -f "$path" ] || fail "$path is neither a file nor a link to one"
size=$(wc -c <"$path")
[ "$size" -le "$max" ] || fail "$path has $size bytes; at most $max are allowed"
hash=$(sum "$size" <"$path")
give "$hash" "$size" "$path"
printf 'file %s %s %s %s\\n' "$hash" "$((size))" "$moved" "$(stat -L -c '%a %U %G' -- "$path")"`

export const filePull = operation({
  name: 'file.pull',
  doc: 'Takes a copy of a file into the service, by its hash; nothing is sent when the service has that content already.',
  input: Type.Object(
    {
      path: Path({ examples: ['/etc/hostname'] }),
      sizeMax: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: fileLimits.fileBytesMax,
          description: 'bytes; a bigger file is a failure',
        }),
      ),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    hash: Content({ description: 'SHA-256 of the content; `GET /v1/files/:hash/content` has it' }),
    bytes: Size(),
    transferred: Type.Integer({ description: 'bytes that had to be sent' }),
    mode: Type.String({ description: 'in octal' }),
    owner: Type.String(),
    group: Type.String(),
  }),
  reads: true,
  summary: { hash: ['histogram'], bytes: ['min', 'max'], transferred: ['sum'] },
  varies: { transferred: 'any' },
  display: {
    columns: [
      { title: 'SIZE', get: f => bytes(f.bytes) },
      { title: 'MODE', get: f => f.mode },
      { title: 'OWNER', get: f => `${f.owner}:${f.group}` },
      { title: 'SHA-256', get: f => f.hash },
    ],
  },
  shell: {
    script: ({ path, sizeMax }) => scriptWith({ path, max: sizeMax ?? fileLimits.fileBytesMax }, body),
    contents: () => ({ gives: true }),
    ...becomes,
    parse: ({ stdout }) => {
      const found = /^file ([0-9a-f]{64}) (\d+) (\d+) ([0-7]+) (\S+) (\S+)$/m.exec(stdout)
      if (!found) throw new Error('it does not say which file it gave')
      const [, hash = '', size, moved, mode = '', owner = '', group = ''] = found
      return { hash, bytes: Number(size), transferred: Number(moved), mode: mode.padStart(4, '0'), owner, group }
    },
  },
})

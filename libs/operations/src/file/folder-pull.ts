import { fileLimits } from '@re-ops/protocols'
import { operation, Type } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { scriptWith } from '../script.ts'
import { bytes } from '../show.ts'
import { Path } from '../text.ts'
import { Content } from './content.ts'
import { giving } from './pull.ts'

/** sha256sum begins the line of a name with a backslash in it by one, and doubles it: awk undoes that. Links are told, not followed. */
const body = `${giving}
list=
trap '[ -z "$list" ] || rm -f -- "$list" "$list.all"' EXIT
[ -e "$path" ] || fail "there is no $path"
[ -d "$path" ] || fail "$path is no folder"
cd -P -- "$path"
[ -z "$(find . -name '*
*' | head -n 1)" ] || fail "a name in $path holds a line break"
umask 077
list=$(mktemp "\${TMPDIR:-/tmp}/.reops-XXXXXX")
find . -mindepth 1 -type f ! -name '.reops-*' -exec sha256sum -- {} + | awk '
  { escaped = sub(/^\\\\/, ""); hash = substr($0, 1, 64); name = substr($0, 67) }
  escaped { gsub(/\\\\\\\\/, "\\\\", name) }
  { print "h " hash " " name }' >"$list.all"
find . -mindepth 1 \\( -type f -o -type d -o -type l \\) ! -name '.reops-*' -exec stat -c 's %f %a %s %n' -- {} + >>"$list.all"
awk -v max="$max" '
  $1 == "h" { hash[substr($0, 68)] = $2; next }
  { kind = substr($2, 1, 1); name = $0; sub(/^s [^ ]+ [^ ]+ [^ ]+ /, "", name); mode = sprintf("%4s", $3); gsub(/ /, "0", mode) }
  kind == "4" { print "d " mode " - - " substr(name, 3) }
  kind == "8" && name in hash { print "f " mode " " hash[name] " " $4 " " substr(name, 3) }
  kind == "a" { print "l 0777 - - " substr(name, 3) }' "$list.all" | sort -t ' ' -k 5 >"$list"
files=0 bytes=0 entries=0
while IFS= read -r line <&3; do
  entries=$((entries + 1))
  rest=\${line#? }
  mode=\${rest%% *} rest=\${rest#* }
  hash=\${rest%% *} rest=\${rest#* }
  size=\${rest%% *} name=\${rest#* }
  printf '%s\\n' "$line" >&4
  case $line in
    f*)
      bytes=$((bytes + size)) files=$((files + 1))
      [ "$bytes" -le "$max" ] || fail "the files in $path have more than $max bytes"
      give "$hash" "$size" "./$name"
      ;;
    l*) printf '> %s\\n' "$(readlink -- "./$name")" >&4 ;;
  esac
done 3<"$list" 4>"$list.all"
tree=$(sum <"$list.all")
give "$tree" "$(($(wc -c <"$list.all")))" "$list.all"
printf 'tree %s %s %s %s %s\\n' "$tree" "$entries" "$files" "$bytes" "$moved"`

export const folderPull = operation({
  name: 'folder.pull',
  doc: 'Takes a copy of a folder into the service: its list of entries, and each content that the service has not got.',
  input: Type.Object(
    {
      path: Path({ examples: ['/etc/nginx'] }),
      bytesMax: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: fileLimits.fileBytesMax,
          description: 'of all files together; more is a failure',
        }),
      ),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    tree: Content({ description: 'SHA-256 of the list of entries, which is stored as a content' }),
    entries: Type.Integer(),
    files: Type.Integer(),
    bytes: Type.Integer({ description: 'of all files' }),
    transferred: Type.Integer({ description: 'bytes that had to be sent' }),
  }),
  reads: true,
  summary: { tree: ['histogram'], bytes: ['min', 'max'], transferred: ['sum'] },
  varies: { transferred: 'any' },
  display: {
    columns: [
      { title: 'FILES', get: f => String(f.files) },
      { title: 'SIZE', get: f => bytes(f.bytes) },
      { title: 'SENT', get: f => bytes(f.transferred) },
      { title: 'LIST', get: f => f.tree.slice(0, 12) },
    ],
  },
  shell: {
    script: ({ path, bytesMax }) => scriptWith({ path, max: bytesMax ?? fileLimits.fileBytesMax }, body),
    contents: () => ({ gives: true }),
    ...becomes,
    parse: ({ stdout }) => {
      const found = /^tree ([0-9a-f]{64}) (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout)
      if (!found) throw new Error('it does not say what it gave')
      const [, tree = '', ...numbers] = found
      const [entries = 0, files = 0, bytes = 0, transferred = 0] = numbers.map(Number)
      return { tree, entries, files, bytes, transferred }
    },
  },
})

import { fileLimits } from '@re-ops/protocols'
import { operation, Type } from '@re-ops/pipelines'
import { becomes } from '../become.ts'
import { Change, changeInput, changeScript, changesIn, changeTraits } from '../change.ts'
import { scriptWith } from '../script.ts'
import { Account, Path } from '../text.ts'
import { Content, leftovers, receiving, Size } from './content.ts'

const changesShownMax = 200
const target = '[ ! -L "$path" ] || path=$(readlink -f -- "$path")'

/**
 * What differs is found by a few programs for the whole folder (sha256sum of what should be there, stat of what is), so that a folder
 * which is as it should be takes no time; only what differs is then looked at by itself.
 */
const differing = `differing() {
  awk '$1 == "f" { hash = $3; sub(/^f [^ ]+ [^ ]+ [^ ]+ /, ""); print hash "  ./" $0 }' "$list" >"$list.sums"
  { [ ! -s "$list.sums" ] || sha256sum -c "$list.sums" 2>/dev/null | sed -n 's/: OK$//p' || :; } >"$list.same"
  find . -mindepth 1 \\( -type f -o -type d \\) -exec stat -c '%f %a %n' -- {} + >"$list.there"
  awk -v all="$owner$group" '
    FILENAME == ARGV[1] { same[$0] = 1; next }
    FILENAME == ARGV[2] { kind = substr($1, 1, 1); mode = $2; sub(/^[^ ]+ [^ ]+ /, ""); there[$0] = kind " " mode; next }
    /^> / { if (keep) print; next }
    { line = $0; kind = $1; mode = $2; sub(/^0+/, "", mode); sub(/^. [^ ]+ [^ ]+ [^ ]+ /, ""); name = "./" $0 }
    { keep = 1 }
    kind == "f" && all == "" && (name in same) && there[name] == "8 " mode { keep = 0 }
    kind == "d" && all == "" && there[name] == "4 " mode { keep = 0 }
    keep { print line }' "$list.same" "$list.there" "$list" >"$list.todo"
}`

const body = `${receiving}
list= shown=0 more=0 replaced=
trap '[ -n "$keep" ] || [ -z "$part" ] || rm -f -- "$part"; [ -z "$list" ] || rm -f -- "$list" "$list".*' EXIT
change() { shown=$((shown + 1)); if [ "$shown" -le ${changesShownMax} ]; then printf 'change %s\\n' "$1"; else more=$((more + 1)); fi; }
${differing}
clear() {
  [ -e "$at" ] || [ -L "$at" ] || return 0
  [ -n "$delete" ] || [ -L "$at" ] || [ ! -d "$at" ] || fail "$at is a folder, and is to be something else (delete: true removes it)"
  change "replace $name"
  act rm -rf -- "$at"
}
owners() { [ -z "$owner$group" ] || [ -n "$dry" ] || chown -h -- "$owner\${group:+:$group}" "$1"; }
${target}
[ ! -e "$path" ] || [ -d "$path" ] || fail "$path is no folder"
umask 022
list=$(mktemp "\${TMPDIR:-/tmp}/.reops-XXXXXX")
fetch "$tree" "$size" "$list.tree"
cat <"$part" >"$list"
rm -f -- "$part"
part=
if [ ! -d "$path" ]; then
  [ -d "$(dirname -- "$path")" ] || [ -n "$parents" ] || fail "there is no folder $(dirname -- "$path") (parents: true makes it)"
  change "create folder $path"
  act mkdir -p -- "$path"
fi
if [ -d "$path" ]; then cd -P -- "$path"; differing; else cp -- "$list" "$list.todo"; fi
while IFS= read -r line <&3; do
  rest=\${line#? }
  mode=\${rest%% *} rest=\${rest#* }
  hash=\${rest%% *} rest=\${rest#* }
  size=\${rest%% *} name=\${rest#* }
  mode=$(printf %o "0$mode") at=$path/$name
  case /$name/ in */../* | */./* | *//*) fail "the list names $name" ;; esac
  case $line in
    d*)
      if [ ! -d "$at" ] || [ -L "$at" ]; then
        clear
        change "create folder $name"
        act mkdir -- "$at"
        owners "$at"
        act chmod -- "$mode" "$at"
      else
        permissions "$at"
      fi
      ;;
    f*)
      if [ -L "$at" ] || [ -d "$at" ]; then clear; fi
      if [ ! -L "$at" ] && same "$at" "$hash" "$size"; then
        permissions "$at"
      else
        if [ -f "$at" ] && [ ! -L "$at" ]; then change "content of $name"; else change "create $name"; fi
        if [ -z "$dry" ]; then
          fetch "$hash" "$size" "\${at%/*}/.reops-$hash"
          owners "$part"
          chmod -- "$mode" "$part"
          mv -f -- "$part" "$at"
          part=
        fi
      fi
      ;;
    l*)
      IFS= read -r to <&3
      to=\${to#> }
      if [ "$(readlink -- "$at" 2>/dev/null)" != "$to" ]; then
        clear
        change "link $name to $to"
        act ln -s -- "$to" "$at"
        owners "$at"
      fi
      ;;
  esac
done 3<"$list.todo"
if [ -n "$delete" ] && [ -d "$path" ]; then
  sed -n 's/^[dfl] [^ ]* [^ ]* [^ ]* //p' "$list" | sort >"$list.want"
  find . -mindepth 1 ! -name '.reops-*' | sed -n 's|^\\./||p' | sort | comm -23 - "$list.want" >"$list.gone"
  while IFS= read -r name <&3; do
    case /$name/ in */../* | */./* | *//*) continue ;; esac
    case $name in "$replaced"/*) [ -z "$replaced" ] || continue ;; esac
    [ -e "./$name" ] || [ -L "./$name" ] || continue
    change "delete $name"
    act rm -rf -- "./$name"
    replaced=$name
  done 3<"$list.gone"
fi
[ "$more" -eq 0 ] || printf 'change and %s more\\n' "$more"
printf 'moved %s\\n' "$moved"`

export const folderSync = operation({
  name: 'folder.sync',
  doc: 'Makes a folder hold the entries of a stored list (files, folders, links); with delete, nothing else. Only what differs is sent.',
  input: Type.Object(
    {
      path: Path({ examples: ['/srv/www'] }),
      tree: Content({ description: 'of the list of entries, stored as a content (reops files sync makes it)' }),
      size: Size(),
      delete: Type.Optional(Type.Boolean({ description: 'remove what the list does not name' })),
      owner: Type.Optional(Account()),
      group: Type.Optional(Account()),
      parents: Type.Optional(Type.Boolean({ description: 'make the folders above it' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    ...Change.properties,
    tree: Content(),
    transferred: Type.Integer({ description: 'bytes that had to be sent' }),
  }),
  idempotent: true,
  ...changeTraits,
  summary: { changed: ['histogram'], transferred: ['sum'] },
  varies: { transferred: 'any' },
  shell: {
    script: input => {
      const { path, tree, size, owner, group, parents } = input
      const chunk = fileLimits.chunkBytes
      return changeScript(input, { path, tree, size, chunk, delete: input.delete, owner, group, parents }, body)
    },
    contents: ({ tree }) => ({ takes: [tree], tree: true }),
    afterKill: ({ path }) =>
      scriptWith(
        { path },
        `${leftovers}\n${target}\nfor file in $(find "$path" -name '.reops-*.*' -type f 2>/dev/null | sed -n 's/\\.[0-9]*$//p' | sort -u); do leftovers "$file" | while IFS= read -r found; do rm -f -- "$found"; done; done`,
      ),
    ...becomes,
    parse: ({ stdout }, input) => ({
      ...changesIn(stdout, input),
      tree: input.tree,
      transferred: Number(/^moved (\d+)$/m.exec(stdout)?.[1] ?? Number.NaN),
    }),
  },
})

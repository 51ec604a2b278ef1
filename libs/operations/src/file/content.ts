import { fileLimits, type FileHash as Hash } from '@re-ops/protocols'
import { Type } from '@re-ops/pipelines'

/** A content that the service stores: `POST /v1/files`, or what a pull has left there. */
export const Content = (options: { readonly description?: string } = {}) =>
  Type.Unsafe<Hash>({
    type: 'string',
    pattern: '^[0-9a-f]{64}$',
    description: 'SHA-256 of a stored content, hex',
    ...options,
  })
export const Size = () => Type.Integer({ minimum: 0, maximum: fileLimits.fileBytesMax, description: 'bytes' })

/** `sum` prints the hash of its standard input. Of a big one by openssl, where it is: it takes a third of the time. */
export const sum = `sum() {
  if [ "\${1:-0}" -gt 4000000 ] && command -v openssl >/dev/null 2>&1; then
    said=$(openssl dgst -sha256 -r)
  elif command -v sha256sum >/dev/null 2>&1; then
    said=$(sha256sum)
  else
    said=$(shasum -a 256)
  fi
  printf '%s\\n' "\${said%% *}"
}`

/** `leftovers FILE` are the parts of it whose script is gone: FILE is followed by a dot and the number of its process. */
export const leftovers = `alive() {
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  case $stat in *') Z '*) return 1 ;; esac
}
leftovers() {
  for found in "$1".*; do
    [ -f "$found" ] && [ ! -L "$found" ] && ! alive "\${found##*.}" && [ "$(stat -c %u -- "$found")" = "$(id -u)" ] || continue
    printf '%s\\n' "$found"
  done
}`

/**
 * `fetch HASH SIZE FILE` gets the content into $part, a file beside FILE that belongs to us alone, readable by nobody else, from where an
 * earlier try has left it. One that is cut off stays, for the next try (exit code 75); any other failure removes it. `same FILE HASH SIZE`
 * says whether a file holds that already. Put ahead: $chunk. Few programs are started: for a small file they are most of its time.
 */
export const receiving = `${sum}
${leftovers}
part= keep= moved=0
trap '[ -n "$keep" ] || [ -z "$part" ] || rm -f -- "$part"' EXIT
same() { [ -f "$1" ] && [ "$(wc -c <"$1")" -eq "$3" ] && [ "$(sum "$3" <"$1")" = "$2" ]; }
receive() {
  blocks=$(($1 / 65536)) rest=$(($1 % 65536))
  if [ "$rest" -eq 0 ]; then
    [ "$blocks" -eq 0 ] || dd bs=65536 count="$blocks" iflag=fullblock conv=fsync status=none
  else
    [ "$blocks" -eq 0 ] || dd bs=65536 count="$blocks" iflag=fullblock status=none
    dd bs="$rest" count=1 iflag=fullblock conv=fsync status=none
  fi
}
fetch() {
  part=$3.$$ keep= from=0 prefix=-
  [ ! -e "$part" ] || rm -f -- "$part"
  for found in "$3".*; do
    [ -e "$found" ] || break
    found=$(leftovers "$3") found=\${found%%"
"*}
    [ -z "$found" ] || mv -f -- "$found" "$part" 2>/dev/null || :
    break
  done
  if [ -f "$part" ]; then
    from=$(($(wc -c <"$part") / chunk * chunk))
    [ "$from" -le "$2" ] || from=0
    [ "$from" -eq 0 ] || prefix=$(head -c "$from" <"$part" | sum "$from")
  fi
  keep=yes
  printf 'want %s %s %s\\n' "$1" "$from" "$prefix"
  IFS=' ' read -r said from || fail 'the connection to the service broke'
  keep=
  [ "$said" = from ] || fail "no content: $from"
  if [ "$from" -eq 0 ]; then
    [ ! -e "$part" ] || rm -f -- "$part"
    before=$(umask)
    umask 077
    set -C
    : >"$part"
    set +C
    umask "$before"
  else
    dd if=/dev/null of="$part" bs=1 seek="$from" count=0 status=none
  fi
  receive $(($2 - from)) >>"$part"
  now=$(wc -c <"$part")
  moved=$((moved + now - from))
  if [ "$now" -lt "$2" ]; then
    keep=yes
    echo "the content was cut off at byte $now of $2; the next try goes on from there" >&2
    exit 75
  fi
  [ "$(sum "$2" <"$part")" = "$1" ] || fail 'what arrived is not what was sent: its hash is another'
}
sweep() {
  for found in "$1"/.reops-*; do
    [ ! -e "$found" ] || find "$1" -maxdepth 1 -name '.reops-*' -type f -user "$(id -u)" -mmin +1440 -exec rm -f -- {} + 2>/dev/null || :
    break
  done
}`

import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { Account, Mode, Path, plainMode } from '../text.ts'

const limitDefault = 2 ** 30

/**
 * With a checksum a file that has it is not fetched again. What comes is bounded, while it comes, by the size of files that the
 * shell may write (in blocks, rounded up), then exactly.
 */
const body = `sum() { "\${checksum%%:*}sum" <"$1" | cut -d ' ' -f 1; }
[ ! -d "$path" ] || fail "$path is a directory"
if [ -n "$checksum" ] && [ -f "$path" ] && [ "$(sum "$path")" = "\${checksum#*:}" ]; then permissions "$path"; exit 0; fi
if [ -n "$dry" ]; then
  change "download $url to $path"
  exit 0
fi
draft "$path"
(
  ulimit -f "$((limit / 512 + 1))"
  if command -v curl >/dev/null; then curl -fsSL --connect-timeout 15 --retry 2 -o "$draft" -- "$url"
  elif command -v wget >/dev/null; then wget -q -O "$draft" "$url"
  else fail "neither curl nor wget is here"
  fi
) </dev/null >&2 || fail "cannot download $url (at most $limit bytes are taken)"
[ "$(wc -c <"$draft")" -le "$limit" ] || fail "$url has more than $limit bytes"
if [ -n "$checksum" ]; then
  found=$(sum "$draft")
  [ "$found" = "\${checksum#*:}" ] || fail "the checksum of $url is \${checksum%%:*}:$found, expected $checksum"
fi
place "$draft" "$path"`

export const download = operation({
  name: 'download',
  doc: 'Fetches a file over http(s) onto the host, with curl or wget; checked against a checksum if given.',
  input: Type.Object(
    {
      url: Type.String({
        pattern: '^https?://[^\\s\\u0000]+$',
        maxLength: 4096,
        examples: ['https://example.org/app.tar.gz'],
      }),
      path: Path({ examples: ['/tmp/app.tar.gz'] }),
      checksum: Type.Optional(
        Type.String({
          pattern: '^(md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$',
          description: 'algorithm:hex; a file that has it is not fetched again',
        }),
      ),
      limitBytes: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 2 ** 40,
          description: 'longer ones are refused; default 1 GiB',
        }),
      ),
      mode: Type.Optional(Mode()),
      owner: Type.Optional(Account()),
      group: Type.Optional(Account()),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { url, path, checksum, limitBytes: limit = limitDefault, mode, owner, group } = input
      return changeScript(input, { url, path, checksum, limit, mode: plainMode(mode), owner, group }, body)
    },
    ...changeAnswer,
  },
})

import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { oneOf } from '../text.ts'
import { Name } from './user.ts'

/**
 * Keys are the same when type and key are; options before and the comment behind them do not count. The folder belongs to the
 * user, who must not make us write elsewhere: links are refused.
 */
const body = `now=$(awk -F : -v name="$user" '$1 == name' /etc/passwd)
[ -n "$now" ] || fail "there is no user $user"
home=$(printf %s "$now" | cut -d : -f 6)
ids=$(printf %s "$now" | cut -d : -f 3,4)
folder=$home/.ssh file=$home/.ssh/authorized_keys
[ ! -L "$folder" ] && [ ! -L "$file" ] || fail "$folder or its authorized_keys is a link"
if [ ! -e "$file" ] && [ "$state" = absent ] && [ -z "$exclusive" ]; then exit 0; fi
mine() { [ -n "$dry" ] || [ "$(stat -c %u:%g -- "$1")" = "$ids" ] || chown -- "$ids" "$1"; }
if [ ! -d "$folder" ]; then
  change "create folder $folder"
  act mkdir -p -m 0700 -- "$folder"
  mine "$folder"
fi
draft "$file"
export key state exclusive
{ [ ! -e "$file" ] || cat -- "$file"; } | awk 'BEGIN { split(ENVIRON["key"], k, " "); wanted = k[1] " " k[2]; present = ENVIRON["state"] == "present" }
  /^[ \\t]*#/ { print; next }
  { at = index($0 " ", wanted " "); same = at > 0 && (at == 1 || substr($0, at - 1, 1) == " ") }
  same && present && !kept { print; kept = 1; next }
  same { next }
  ENVIRON["exclusive"] != "" && NF { next }
  { print }
  END { if (present && !kept) print ENVIRON["key"] }' >"$draft"
if [ -e "$file" ]; then mode=600; else mode=600 owner=\${ids%:*} group=\${ids#*:}; fi
place "$draft" "$file"`

export const userKey = operation({
  name: 'user.key',
  doc: 'Makes a public key be, or not be, among those that may log in as a user (authorized_keys).',
  input: Type.Object(
    {
      user: Name,
      key: Type.String({
        pattern:
          '^(ssh-(ed25519|rsa|dss)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\\.com) [A-Za-z0-9+/]+=*( [^\\u0000\\r\\n]*)?$',
        maxLength: 8192,
        description: 'as in a .pub file',
        examples: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVnYW5kYS1pcy1ub3QtYS1rZXktYnV0LWEtbG9uZy10ZXh0 deploy'],
      }),
      state: Type.Optional(oneOf(['present', 'absent'], { description: 'default present' })),
      exclusive: Type.Optional(Type.Boolean({ description: 'all other keys go' })),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { user, key, state = 'present', exclusive } = input
      return changeScript(input, { user, key, state, exclusive }, body)
    },
    ...changeAnswer,
  },
})

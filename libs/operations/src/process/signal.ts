import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { Account, Line, oneOf } from '../text.ts'

/**
 * The pattern is held against command lines as /proc has them (kernel threads have none). This script and what it was started
 * by are never meant, nor is process 1.
 */
const body = `above=" 1 $$ "
up=$$
while [ "$up" -gt 1 ]; do
  up=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$up/status")
  above="$above$up "
done
export pattern
if [ -n "$pattern" ]; then
  set -- $(head -c 4096 /proc/[0-9]*/cmdline 2>/dev/null | tr '\\000\\n' ' \\n' | awk '
    /^ *==> \\/proc\\/[0-9]+\\/cmdline <== *$/ { split($0, part, "/"); pid = part[3]; next }
    pid != "" && NF { sub(/ +$/, ""); if ($0 ~ ENVIRON["pattern"]) print pid; pid = "" }')
fi
wanted=
if [ -n "$user" ]; then
  wanted=$(id -u -- "$user" 2>/dev/null || echo "$user")
fi
for pid; do
  case $above in *" $pid "*) continue ;; esac
  [ -r "/proc/$pid/status" ] || continue
  [ -z "$wanted" ] || [ "$(sed -n 's/^Uid:[[:space:]]*\\([0-9]*\\).*/\\1/p' "/proc/$pid/status")" = "$wanted" ] || continue
  change "$signal to $pid $(head -c 200 "/proc/$pid/cmdline" | tr '\\000\\n' '  ' | sed 's/ *$//')"
  act kill -s "$signal" "$pid" || [ ! -e "/proc/$pid" ]
done`

export const processSignal = operation({
  name: 'process.signal',
  doc: 'Sends a signal to processes, by their ids or by an expression that their command line matches.',
  input: Type.Object(
    {
      pids: Type.Optional(
        Type.Array(Type.Integer({ minimum: 2 }), { minItems: 1, maxItems: 1000, examples: [[4711]] }),
      ),
      pattern: Type.Optional(
        Line({ description: 'an extended regular expression for the command line', examples: ['^nginx: worker'] }),
      ),
      user: Type.Optional(Account({ description: 'only those of this user' })),
      signal: Type.Optional(
        oneOf(['TERM', 'HUP', 'INT', 'QUIT', 'KILL', 'USR1', 'USR2', 'STOP', 'CONT'], { description: 'default TERM' }),
      ),
      ...changeInput,
    },
    { additionalProperties: false, oneOf: [{ required: ['pids'] }, { required: ['pattern'] }] },
  ),
  output: Change,
  ...changeTraits,
  shell: {
    script: input => {
      const { pids = [], pattern, user, signal = 'TERM' } = input
      if (pids.length === 0 && (pattern ?? '') === '') throw new Error('neither pids nor a pattern')
      return changeScript(input, { pattern, user, signal }, body, pids.map(String))
    },
    ...changeAnswer,
  },
})

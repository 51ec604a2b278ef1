import { operation, Type } from '@re-ops/pipelines'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { Account, Line, Mode, oneOf, Path, plainMode } from '../text.ts'

/**
 * present: the last line that matches becomes `line`; without a match it goes to the end, unless it is there. absent: all that
 * match (without an expression: that are `line`) go.
 */
const body = `[ ! -L "$path" ] || path=$(readlink -f -- "$path")
if [ ! -e "$path" ]; then
  [ "$state" = present ] || exit 0
  [ -n "$create" ] || fail "$path is not there; create: true makes it"
fi
draft "$path"
export line match state
[ ! -e "$path" ] || cat -- "$path" >"$draft.old"
[ -e "$path" ] || : >"$draft.old"
trap 'rm -f -- "$draft" "$draft.old"' EXIT
awk 'BEGIN { line = ENVIRON["line"]; match_ = ENVIRON["match"]; absent = ENVIRON["state"] == "absent" }
  { text[NR] = $0; hit = match_ == "" ? $0 == line : $0 ~ match_; if (absent && hit) gone[NR] = 1; if (hit) last = NR; if ($0 == line) there = 1 }
  END {
    if (!absent && last) text[last] = line
    for (n = 1; n <= NR; n++) if (!(n in gone)) print text[n]
    if (!absent && !last && !there) print line
  }' "$draft.old" >"$draft"
# A file without a newline at its end that has the line already stays as it is.
if [ -e "$path" ] && [ "$(cat "$draft")" = "$(cat "$draft.old")" ]; then permissions "$path"; exit 0; fi
place "$draft" "$path"`

export const fileLine = operation({
  name: 'file.line',
  doc: 'Makes a line be in a file, or not be in it; an expression finds the line that it replaces.',
  input: Type.Object(
    {
      path: Path({ examples: ['/etc/sysctl.conf'] }),
      line: Type.Optional(
        Line({ examples: ['vm.swappiness=10'], description: 'needed unless `match` is to be absent' }),
      ),
      match: Type.Optional(Line({ description: 'an extended regular expression', examples: ['^vm\\.swappiness='] })),
      state: Type.Optional(oneOf(['present', 'absent'], { description: 'default present' })),
      create: Type.Optional(Type.Boolean({ description: 'make the file if it is not there' })),
      mode: Type.Optional(Mode()),
      owner: Type.Optional(Account()),
      group: Type.Optional(Account()),
      ...changeInput,
    },
    { additionalProperties: false, anyOf: [{ required: ['line'] }, { required: ['match', 'state'] }] },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell: {
    script: input => {
      const { path, line, match, state = 'present', create, mode, owner, group } = input
      if (line === undefined && state === 'present') throw new Error('a line that is to be present needs `line`')
      return changeScript(input, { path, line, match, state, create, mode: plainMode(mode), owner, group }, body)
    },
    ...changeAnswer,
  },
})

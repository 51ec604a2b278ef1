import { Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from './become.ts'
import { scriptWith } from './script.ts'

/** Every operation that changes a host answers at least this. */
export const Change = Type.Object({
  changed: Type.Boolean({ description: 'whether it changed something; never with `dry`' }),
  wouldChange: Type.Optional(Type.Boolean({ description: 'only with `dry`: whether it would' })),
  changes: Type.Array(Type.String(), { description: 'what it changed (with `dry`: would), in words' }),
})
export type Change = Static<typeof Change>

/** Spread into the input of an operation that changes something. */
export const changeInput = {
  dry: Type.Optional(Type.Boolean({ description: 'only say what would change' })),
  ...becomeInput,
}

/** Spread into the operation. */
export const changeTraits = {
  dry: true,
  summary: { changed: ['histogram'] },
  display: {
    columns: [
      { title: 'CHANGED', get: (c: Change) => (c.changed ? 'yes' : c.wouldChange ? 'would' : 'no') },
      { title: 'WHAT', get: (c: Change) => c.changes.join('\n') },
    ],
  },
} as const

/**
 * `change` says what is about to change, `act` does it unless `dry`; what programs say goes to standard error.
 * `draft` makes a file beside the one it is to replace, `place` puts it there by rename: nobody sees half of a file. What was
 * there keeps its mode and owner, unless $mode, $owner, $group say otherwise. `permissions` makes those so.
 */
const prelude = `mode=\${mode-} owner=\${owner-} group=\${group-} draft=
change() { printf 'change %s\\n' "$1"; }
act() { [ -n "$dry" ] || "$@" </dev/null >&2; }
draft() {
  if [ -n "$dry" ]; then draft=$(mktemp "\${TMPDIR:-/tmp}/.reops-XXXXXX"); else draft=$(mktemp "$(dirname -- "$1")/.reops-XXXXXX"); fi
  trap 'rm -f -- "$draft"' EXIT
}
permissions() {
  if [ -n "$owner" ]; then
    now=$(stat -L -c '%U %u' -- "$1")
    case " $now " in *" $owner "*) ;; *) change "owner of $1 from \${now% *} to $owner"; act chown -- "$owner" "$1" ;; esac
  fi
  if [ -n "$group" ]; then
    now=$(stat -L -c '%G %g' -- "$1")
    case " $now " in *" $group "*) ;; *) change "group of $1 from \${now% *} to $group"; act chgrp -- "$group" "$1" ;; esac
  fi
  if [ -n "$mode" ]; then
    now=$(stat -L -c %a -- "$1")
    [ "$now" = "$mode" ] || { change "mode of $1 from $now to $mode"; act chmod -- "$mode" "$1"; }
  fi
}
place() {
  if [ -e "$2" ]; then
    permissions "$2"
    cmp -s -- "$1" "$2" && return 0
    change "content of $2"
    now=$(stat -c %a -- "$2") owned=$(stat -c %u:%g -- "$2")
  else
    change "create $2"
    now=$(printf %o $((0666 & ~$(umask)))) owned="$owner\${group:+:$group}"
  fi
  [ -z "$dry" ] || return 0
  [ -z "$owned" ] || [ "$(stat -c %u:%g -- "$1")" = "$owned" ] || chown -- "$owned" "$1"
  chmod -- "\${mode:-$now}" "$1"
  mv -f -- "$1" "$2"
  ! command -v restorecon >/dev/null || restorecon -- "$2" || :
}`

type Variables = Parameters<typeof scriptWith>[0]

export const changeScript = (
  input: { readonly dry?: boolean },
  variables: Variables,
  body: string,
  words: readonly string[] = [],
): string => scriptWith({ dry: input.dry, ...variables }, `${prelude}\n${body}`, words)

/** What the lines `change ...` of such a script say. */
export const changesIn = (stdout: string, input: { readonly dry?: boolean }): Change => {
  const changes = stdout.split('\n').flatMap(line => (line.startsWith('change ') ? [line.slice(7)] : []))
  const some = changes.length > 0
  return input.dry === true ? { changed: false, wouldChange: some, changes } : { changed: some, changes }
}

/** Spread into the shell form of an operation whose script is a changeScript, and which answers no more than what it changed. */
export const changeAnswer = {
  ...becomes,
  parse: ({ stdout }: { readonly stdout: string }, input: { readonly dry?: boolean }): Change =>
    changesIn(stdout, input),
}

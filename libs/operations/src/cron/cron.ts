import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { changeAnswer, Change, changeInput, changeScript, changeTraits } from '../change.ts'
import { scriptWith } from '../script.ts'

import { lines, oneOf } from '../text.ts'

const Entry = Type.Object({
  source: Type.String({ description: '`crontab` of the user, or the path of a file' }),
  user: Type.String(),
  schedule: Type.String({ description: 'five fields, or @daily and the like' }),
  command: Type.String(),
  name: Type.Union([Type.String(), Type.Null()], { description: 'of one that cron.ensure made' }),
})
type Entry = Static<typeof Entry>

/** Each line with where it is from; `system` ones name their user in the line. */
const listScript = `print() { # kind, source, user
  awk -v kind="$1" -v source="$2" -v user="$3" '{ print kind "\\t" source "\\t" user "\\t" $0 }'
}
for file in /etc/crontab /etc/cron.d/*; do
  case \${file##*/} in *[!A-Za-z0-9_-]*) continue ;; esac
  [ ! -r "$file" ] || print system "$file" - <"$file"
done
for folder in /var/spool/cron/crontabs /var/spool/cron/tabs /etc/crontabs /var/spool/cron; do
  [ -d "$folder" ] && [ -r "$folder" ] || continue
  for file in "$folder"/*; do
    [ ! -f "$file" ] || print user crontab "\${file##*/}" <"$file"
  done
  spool=yes
done
# Who may not look into the spool sees their own.
if [ -z "\${spool-}" ] && command -v crontab >/dev/null; then
  { crontab -l 2>/dev/null </dev/null || :; } | print user crontab "$(id -un)"
fi`

const marker = /^# re-ops: (\S+)$/

const entriesIn = (text: string): Entry[] => {
  const found: Entry[] = []
  let name: string | null = null
  for (const line of lines(text)) {
    const [kind = '', source = '', owner = '', ...rest] = line.split('\t')
    const body = rest.join('\t').trim()
    const match = /^(@\w+|\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(.+)$/.exec(body)
    const marked = marker.exec(body)?.[1] ?? null
    if (match && !/^(#|[A-Za-z_]\w*\s*=)/.test(body)) {
      const [, schedule = '', after = ''] = match
      const own = kind === 'system' ? /^(\S+)\s+(.+)$/.exec(after) : null
      const [user, command] = kind === 'system' ? [own?.[1] ?? '', own?.[2] ?? ''] : [owner, after]
      found.push({ source, user, schedule: schedule.replace(/\s+/g, ' '), command, name })
    }
    name = marked
  }
  return found
}

export const cronList = operation({
  name: 'cron.list',
  doc: 'What cron runs: the crontabs of users, /etc/crontab and /etc/cron.d.',
  input: Type.Object(
    { user: Type.Optional(Type.String({ maxLength: 32, description: 'only what runs as this one' })), ...becomeInput },
    { additionalProperties: false },
  ),
  output: Type.Array(Entry),
  reads: true,
  shell: {
    script: () => scriptWith({}, listScript),
    ...becomes,
    parse: ({ stdout }, { user }) => entriesIn(stdout).filter(one => user === undefined || one.user === user),
  },
  display: {
    rows: found => found,
    columns: [
      { title: 'SCHEDULE', get: (e: Entry) => e.schedule },
      { title: 'USER', get: (e: Entry) => e.user },
      { title: 'COMMAND', get: (e: Entry) => e.command },
      { title: 'NAME', get: (e: Entry) => e.name ?? '' },
      { title: 'SOURCE', get: (e: Entry) => e.source },
    ],
  },
})

const Name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$', examples: ['backup'] })
const place = {
  name: Name,
  where: Type.Optional(
    oneOf(['crontab', 'cron.d'], {
      description: 'the crontab of the user (default), or the file of that name in /etc/cron.d',
    }),
  ),
  user: Type.Optional(
    Type.String({ pattern: '^[a-z_][a-z0-9_.-]{0,31}$', description: 'runs it; default the one who asks' }),
  ),
}

/** `crontab` checks what it is given before it takes it. A comment names the line that follows it. */
const tableBody = `me=$(id -un)
user=\${user:-$me}
if [ "$where" = cron.d ]; then
  file=/etc/cron.d/$name
  [ -n "$schedule" ] || { [ ! -e "$file" ] || { change "remove $file"; act rm -f -- "$file"; }; exit 0; }
  [ -d /etc/cron.d ] || fail "there is no /etc/cron.d"
  draft "$file"
  printf '# re-ops: %s\\n%s %s %s\\n' "$name" "$schedule" "$user" "$command" >"$draft"
  mode=644
  place "$draft" "$file"
  exit 0
fi
command -v crontab >/dev/null || fail "crontab is not here"
table() { if [ "$user" = "$me" ]; then crontab "$@"; else crontab -u "$user" "$@"; fi; }
work=$(mktemp "\${TMPDIR:-/tmp}/.reops-XXXXXX")
trap 'rm -f -- "$work" "$work.new"' EXIT
table -l >"$work" 2>/dev/null </dev/null || : >"$work"
export name schedule command
awk 'BEGIN { mark = "# re-ops: " ENVIRON["name"]; line = ENVIRON["schedule"] " " ENVIRON["command"] }
  $0 == mark { skip = 1; if (ENVIRON["schedule"] != "") { print; print line; kept = 1 } next }
  skip { skip = 0; next }
  { print }
  END { if (!kept && ENVIRON["schedule"] != "") { print mark; print line } }' "$work" >"$work.new"
if ! cmp -s "$work" "$work.new"; then
  if [ -z "$schedule" ]; then change "remove $name from the crontab of $user"; else change "$name in the crontab of $user"; fi
  act table "$work.new"
fi`

type Input = { name: string; where?: string; user?: string; schedule?: string; command?: string; dry?: boolean }
const shell = {
  script: (input: Input) => {
    const { name, where = 'crontab', user, schedule, command } = input
    return changeScript(input, { name, where, user, schedule, command }, tableBody)
  },
  ...changeAnswer,
}

export const cronEnsure = operation({
  name: 'cron.ensure',
  doc: 'Makes cron run a command at these times, under a name that finds it again.',
  input: Type.Object(
    {
      ...place,
      schedule: Type.String({
        pattern:
          '^(@(reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)|[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4})$',
        maxLength: 256,
        description: 'minute, hour, day of the month, month, day of the week',
        examples: ['15 3 * * *'],
      }),
      command: Type.String({
        pattern: '^[^\\u0000\\r\\n]+$',
        maxLength: 998,
        description: 'as in a crontab: a percent sign needs a backslash before it',
        examples: ['/usr/local/bin/backup'],
      }),
      ...changeInput,
    },
    { additionalProperties: false },
  ),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell,
})

export const cronRemove = operation({
  name: 'cron.remove',
  doc: 'Makes cron not run what cron.ensure made under this name.',
  input: Type.Object({ ...place, ...changeInput }, { additionalProperties: false }),
  output: Change,
  idempotent: true,
  ...changeTraits,
  shell,
})

export const cronOperations = [cronEnsure, cronList, cronRemove]

import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { among, oneOf } from '../one-of.ts'
import { present } from '../present.ts'
import { plain } from '../script.ts'
import { sections, wholeNumber } from '../sections.ts'

const Session = Type.Object({
  user: Type.String(),
  kind: oneOf(['ssh', 'console', 'other']),
  tty: Type.Optional(Type.String({ description: 'absent for an ssh session without one' })),
  from: Type.Optional(Type.String({ description: 'the address it comes from, if known' })),
  since: Type.Optional(
    Type.String({ description: 'on the clock of the host, to the minute', examples: ['2026-11-25 21:40'] }),
  ),
  pid: Type.Optional(Type.Integer({ minimum: 1, description: 'of the sshd that serves it' })),
})
type Session = Static<typeof Session>

/** utmp knows sessions with a terminal; sshd names its processes after those without one, too. */
const script = `echo "== who"; LC_ALL=C.UTF-8 who 2>/dev/null
echo "== sshd"; head -c 200 /proc/[0-9]*/cmdline 2>/dev/null | tr "\\000" "\\n" | awk '/^==> /{ file = $2 } /^sshd(-session)?: [^ ]+@/{ print file ":" $1, $2 }'
:`

const fromWho = (line: string): Session[] => {
  const match = /^(\S+)\s+(\S+)\s+(\d{4}-\d\d-\d\d \d\d:\d\d|\w{3} [ \d]\d \d\d:\d\d)(?:\s+\(?([^\s)]+)\)?)?/.exec(line)
  if (!match) return []
  const [, user = '', tty = '', since = '', from] = match
  return [
    present({
      user,
      kind: /^(tty|console|hvc)/.test(tty) ? ('console' as const) : ('other' as const),
      tty,
      from,
      since,
    }),
  ]
}

type Daemon = { readonly pid: number; readonly user: string; readonly tty: string }
const daemons = (text: string): Daemon[] =>
  [...text.matchAll(/^\/proc\/(\d+)\/cmdline:sshd(?:-session)?: (\S+)@(\S+)$/gm)].map(one => ({
    pid: Number(one[1]),
    user: one[2] ?? '',
    tty: one[3] ?? '',
  }))

const sessionsOf = (who: string, sshd: string): Session[] => {
  const served = daemons(sshd)
  const known = who.split('\n').flatMap(fromWho)
  const withTty = known.map(one => {
    const daemon = served.find(({ user, tty }) => user === one.user && tty.split(',').includes(one.tty ?? ''))
    return daemon ? { ...one, kind: 'ssh' as const, pid: daemon.pid } : one
  })
  const pids = new Set(withTty.map(one => one.pid))
  const others = served.filter(one => !pids.has(one.pid))
  return [
    ...withTty,
    ...others.map(({ pid, user, tty }) =>
      present({ user, kind: 'ssh' as const, tty: tty === 'notty' ? undefined : tty, pid }),
    ),
  ]
}

export const sessionList = operation({
  name: 'session.list',
  doc: 'Who is logged in: terminals and ssh sessions, also those without a terminal.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Array(Session),
  reads: true,
  shell: {
    script: () => script,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      return sessionsOf(parts.get('who') ?? '', parts.get('sshd') ?? '')
    },
  },
  varies: { '': 'any' }, // asking over SSH is a session itself
  summary: { user: ['histogram'], kind: ['histogram'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'USER', get: (one: Session) => one.user },
      { title: 'KIND', get: (one: Session) => one.kind },
      { title: 'TTY', get: (one: Session) => one.tty ?? '-' },
      { title: 'FROM', get: (one: Session) => one.from ?? '-' },
      { title: 'SINCE', get: (one: Session) => one.since ?? '-' },
    ],
  },
})

const Attempt = Type.Object({
  address: Type.String({ description: '- at the console' }),
  user: Type.String(),
  count: Type.Integer({ minimum: 1 }),
})
type Attempt = Static<typeof Attempt>

/** Counted on the host: a machine on the open net has tens of thousands a day. The first source that can be read is used. */
const failuresScript = `${plain}
hours=$1 top=$2
failed='s/.*Failed [a-z-]* for \\(invalid user \\)\\{0,1\\}\\(.*\\) from \\([0-9a-fA-F.:]*\\) port .*/\\3 \\2/p'
log=; for one in /var/log/auth.log /var/log/secure; do [ -r $one ] && log=$one; done
if [ -n "$(journalctl -q -n 1 --no-pager -t sshd -t sshd-session 2>/dev/null)" ]; then
  source=journal
  found() { journalctl -q --no-pager -o cat -S "-\${hours}h" -t sshd -t sshd-session | sed -n "$failed"; }
elif [ -n "$log" ]; then
  source=log
  found() { sed -n "$failed" "$log"; }
elif [ -r /var/log/btmp ] && command -v lastb >/dev/null 2>&1; then
  source=btmp
  found() { lastb -w -s "-\${hours}hours" | awk 'NF > 4 && $1 != "btmp" { print ($3 ~ /[.:]/ ? $3 : "-"), $1 }'; }
else
  echo "no record of logins can be read: neither the journal nor /var/log/auth.log, /var/log/secure, /var/log/btmp" >&2; exit 1
fi
echo "== source"; echo $source
echo "== attempts"; found | sort | uniq -c | sort -k1,1nr -k2 | awk -v top="$top" '{ all += $1 } NR <= top { print } END { print "== total"; print all + 0 }'`

export const loginFailures = operation({
  name: 'login.failures',
  doc: 'Failed logins: how many, from which addresses, as which users.',
  input: Type.Object(
    {
      hours: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 8760, description: 'back from now; default 24. A log file is read whole' }),
      ),
      top: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 1000, description: 'how many attempts to list; default 20' }),
      ),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    source: oneOf(['journal', 'log', 'btmp']),
    total: Type.Integer({ minimum: 0 }),
    attempts: Type.Array(Attempt, { description: 'the most frequent first' }),
  }),
  reads: true,
  shell: {
    script: () => failuresScript,
    args: ({ hours = 24, top = 20 }) => [String(hours), String(top)],
    ...becomes,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const source = among(['journal', 'log', 'btmp'], parts.get('source'), 'source')
      const attempts = [...(parts.get('attempts') ?? '').matchAll(/^\s*(\d+) (\S+) ?(.*)$/gm)].map(
        ([, count, address = '', user = '']) => ({ address, user, count: Number(count) }),
      )
      return { source, total: wholeNumber(parts.get('total'), 'total'), attempts }
    },
  },
  varies: { total: { tolerance: 0.2, absolute: 100 }, attempts: 'any' },
  summary: { total: ['sum', 'max'], 'attempts.address': ['histogram'], source: ['histogram'] },
  display: {
    rows: found => found.attempts,
    columns: [
      { title: 'COUNT', get: (one: Attempt) => String(one.count) },
      { title: 'ADDRESS', get: (one: Attempt) => one.address },
      { title: 'USER', get: (one: Attempt) => one.user },
    ],
  },
})

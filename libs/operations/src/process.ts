import { operation, Type, type Static } from '@re-ops/pipelines'
import { sections, wholeNumber } from './sections.ts'
import { bytes, percent } from './show.ts'

export const Process = Type.Object({
  pid: Type.Integer(),
  ppid: Type.Integer(),
  user: Type.String({ description: 'the name, or the number of one without a name' }),
  state: Type.String({ description: 'as in proc(5): R, S, D, Z, T, I' }),
  cpu: Type.Number({ description: 'share of one core since it started; more than 1 with several threads' }),
  memoryBytes: Type.Integer({ description: 'resident' }),
  seconds: Type.Number({ description: 'since it started' }),
  command: Type.String({ description: 'at most 200 characters; in brackets when it is a kernel thread' }),
})
export type Process = Static<typeof Process>

/** `ps` differs between Debian and busybox and is missing in small images; /proc is the same everywhere. */
export const processScript = `echo "== self"; echo $$
echo "== clock"; getconf CLK_TCK 2>/dev/null || echo 100; getconf PAGESIZE 2>/dev/null || echo 4096; cat /proc/uptime
echo "== users"; cut -d : -f 1,3 /etc/passwd
echo "== uids"; grep "^Uid:" /proc/[0-9]*/status 2>/dev/null
echo "== stats"; cat /proc/[0-9]*/stat 2>/dev/null
echo "== commands"; head -c 200 /proc/[0-9]*/cmdline 2>/dev/null | tr "\\000\\n" " \\n"
:`

const commandsOf = (text: string): ReadonlyMap<number, string> => {
  const parts = text.split(/^ *==> \/proc\/(\d+)\/cmdline <==$/m)
  const found = new Map<number, string>()
  for (let n = 1; n < parts.length; n += 2)
    found.set(Number(parts[n]), (parts[n + 1] ?? '').replace(/\s+/g, ' ').trim())
  return found
}

type Machine = {
  ticks: number
  page: number
  uptime: number
  users: ReadonlyMap<number, string>
  commands: ReadonlyMap<number, string>
}

/** A line of /proc/<pid>/stat: the name stands in parentheses and may hold blanks and parentheses itself (proc(5)). */
const processOf = (line: string, machine: Machine): Process[] => {
  const match = /^(\d+) \((.*)\) (.*)$/.exec(line)
  if (!match) return []
  const pid = Number(match[1])
  const fields = (match[3] ?? '').split(' ')
  const at = (field: number) => Number(fields[field - 3]) // fields are numbered from 1 in proc(5); these begin at 3
  const seconds = Math.max(0, machine.uptime - at(22) / machine.ticks)
  const used = (at(14) + at(15)) / machine.ticks
  return [
    {
      pid,
      ppid: at(4),
      user: machine.users.get(pid) ?? 'unknown',
      state: fields[0] ?? '?',
      cpu: seconds > 0 ? Math.round((used / Math.max(seconds, 0.01)) * 10_000) / 10_000 : 0,
      memoryBytes: Math.max(0, at(24)) * machine.page,
      seconds,
      command: machine.commands.get(pid) || `[${match[2] ?? ''}]`,
    },
  ]
}

const usersOf = (passwd: string, uids: string): ReadonlyMap<number, string> => {
  const names = new Map<string, string>()
  for (const line of passwd.split('\n')) {
    const [name = '', uid = ''] = line.split(':')
    if (!names.has(uid)) names.set(uid, name)
  }
  const owners = [...uids.matchAll(/^\/proc\/(\d+)\/status:Uid:\s+(\d+)/gm)]
  return new Map(owners.map(([, pid, uid = '']) => [Number(pid), names.get(uid) ?? uid]))
}

/** What processScript wrote, without the script itself and its children. */
export const processesIn = (stdout: string): Process[] => {
  const parts = sections(stdout)
  const [ticks, page, uptime] = (parts.get('clock') ?? '').split('\n')
  const machine: Machine = {
    ticks: wholeNumber(ticks, 'clock rate'),
    page: wholeNumber(page, 'page size'),
    uptime: Number.parseFloat(uptime ?? ''),
    users: usersOf(parts.get('users') ?? '', parts.get('uids') ?? ''),
    commands: commandsOf(parts.get('commands') ?? ''),
  }
  const self = wholeNumber(parts.get('self'), 'process id')
  const all = (parts.get('stats') ?? '').split('\n').flatMap(line => processOf(line, machine))
  return all.filter(one => one.pid !== self && one.ppid !== self)
}

export const processList = operation({
  name: 'process.list',
  doc: 'The processes of the host, the busiest (or biggest) first.',
  input: Type.Object(
    {
      top: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'how many; default all' })),
      by: Type.Optional(
        Type.Union([Type.Literal('cpu'), Type.Literal('memory')], { description: 'the order; default cpu' }),
      ),
    },
    { additionalProperties: false },
  ),
  output: Type.Array(Process),
  reads: true,
  shell: {
    script: () => processScript,
    parse: ({ stdout }, { top, by = 'cpu' }) => {
      const key = by === 'cpu' ? 'cpu' : 'memoryBytes'
      return processesIn(stdout)
        .sort((a, b) => b[key] - a[key] || a.pid - b.pid)
        .slice(0, top)
    },
  },
  varies: { '': 'any' },
  display: {
    rows: found => found,
    columns: [
      { title: 'PID', get: (p: Process) => String(p.pid) },
      { title: 'USER', get: (p: Process) => p.user },
      { title: 'CPU', get: (p: Process) => percent(p.cpu) },
      { title: 'MEMORY', get: (p: Process) => bytes(p.memoryBytes) },
      { title: 'COMMAND', get: (p: Process) => p.command },
    ],
  },
})

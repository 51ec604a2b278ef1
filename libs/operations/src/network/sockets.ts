import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { present } from '../present.ts'
import { plain } from '../script.ts'
import { sections } from '../sections.ts'

const OpenPort = Type.Object({
  protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp')]),
  address: Type.String({ description: 'it listens on; 0.0.0.0, :: and * are all of them' }),
  port: Type.Integer({ minimum: 0, maximum: 65_535 }),
  process: Type.Optional(
    Type.String({ description: 'name of a process that holds it; only root sees those of others' }),
  ),
  pid: Type.Optional(Type.Integer({ minimum: 1 })),
})
type OpenPort = Static<typeof OpenPort>

/** ss (iproute2), or the kernel's tables and whose descriptors they are. */
const script = `${plain}
if command -v ss >/dev/null 2>&1; then echo "== ss"; ss -H -ltnup
else
  for one in tcp tcp6 udp udp6; do echo "== $(echo $one | tr 6 s)"; cat /proc/net/$one 2>/dev/null; done
  echo "== fds"; ls -l /proc/[0-9]*/fd 2>/dev/null | grep -E '^/proc/|socket:'
  echo "== names"; grep . /proc/[0-9]*/comm /dev/null 2>/dev/null
fi
:`

/** `tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))`; an address may carry `%eth0`. */
const fromSs = (line: string): OpenPort[] => {
  const match = /^(tcp|udp)\s+\S+\s+\d+\s+\d+\s+(\S+):(\d+)\s+\S+(?:\s+users:\(\("([^"]*)",pid=(\d+))?/.exec(line)
  if (!match) return []
  const [, protocol, address = '', port, process, pid] = match
  return [
    present({
      protocol: protocol === 'udp' ? ('udp' as const) : ('tcp' as const),
      address: address.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port),
      process,
      pid: pid === undefined ? undefined : Number(pid),
    }),
  ]
}

/** Groups of four bytes, each in the order of the (little-endian) machine: /proc/net/tcp and tcp6. */
export const procAddress = (hex: string): string => {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(word => (word.match(/../g) ?? []).reverse())
  if (bytes.length === 4) return bytes.map(one => Number.parseInt(one, 16)).join('.')
  const groups = bytes.join('').match(/.{4}/g) ?? []
  return new URL(`http://[${groups.join(':')}]/`).hostname.replace(/[[\]]/g, '')
}

type Owner = { readonly pid: number; readonly process: string }

/** What `ls -l /proc/PID/fd` says: which process holds which socket, by inode. The lowest process id stands for all. */
const ownersOf = (fds: string, names: string): ReadonlyMap<string, Owner> => {
  const name = new Map([...names.matchAll(/^\/proc\/(\d+)\/comm:(.*)$/gm)].map(one => [Number(one[1]), one[2] ?? '']))
  const owners = new Map<string, Owner>()
  let pid = 0
  for (const line of fds.split('\n')) {
    const folder = /^\/proc\/(\d+)\/fd:$/.exec(line)
    if (folder) pid = Number(folder[1])
    const inode = /socket:\[(\d+)\]$/.exec(line)?.[1]
    const known = inode === undefined ? undefined : owners.get(inode)
    if (inode !== undefined && (known === undefined || pid < known.pid))
      owners.set(inode, { pid, process: name.get(pid) ?? 'unknown' })
  }
  return owners
}

/** States of /proc/net: 0A listens (tcp); of udp those without a peer are open. */
const fromProc = (text: string, protocol: 'tcp' | 'udp', owners: ReadonlyMap<string, Owner>): OpenPort[] =>
  text.split('\n').flatMap(line => {
    const match = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]{2}) (?:\S+\s+){5}(\d+)/.exec(
      line,
    )
    if (!match) return []
    const [, address = '', port = '', peer, state, inode = ''] = match
    if (protocol === 'tcp' ? state !== '0A' : peer !== '0000') return []
    return [present({ protocol, address: procAddress(address), port: Number.parseInt(port, 16), ...owners.get(inode) })]
  })

const order = (a: OpenPort, b: OpenPort) =>
  a.port - b.port || a.protocol.localeCompare(b.protocol) || a.address.localeCompare(b.address)

export const portList = operation({
  name: 'port.list',
  doc: 'The open ports of the host: what listens on TCP, what receives on UDP, and which process it is.',
  input: Type.Object(becomeInput, { additionalProperties: false }),
  output: Type.Array(OpenPort),
  reads: true,
  shell: {
    script: () => script,
    ...becomes,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const part = (name: string) => parts.get(name) ?? ''
      const owners = ownersOf(part('fds'), part('names'))
      return [
        ...part('ss').split('\n').flatMap(fromSs),
        ...['tcp', 'tcps'].flatMap(name => fromProc(part(name), 'tcp', owners)),
        ...['udp', 'udps'].flatMap(name => fromProc(part(name), 'udp', owners)),
      ].sort(order)
    },
  },
  varies: { pid: 'host' },
  summary: { port: ['histogram'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'PORT', get: (one: OpenPort) => `${one.port}/${one.protocol}` },
      { title: 'ADDRESS', get: (one: OpenPort) => one.address },
      { title: 'PROCESS', get: (one: OpenPort) => (one.process ? `${one.process} (${one.pid ?? '?'})` : '-') },
    ],
  },
})

/** Of include/net/tcp_states.h, in its order. */
const states = [
  'established',
  'synSent',
  'synReceived',
  'finWait1',
  'finWait2',
  'timeWait',
  'closed',
  'closeWait',
  'lastAck',
  'listen',
  'closing',
] as const
const Count = Type.Integer({ minimum: 0 })
const near = { tolerance: 0.5, absolute: 50 }

export const networkConnections = operation({
  name: 'network.connections',
  doc: 'How many TCP connections there are in each state, and how many UDP sockets.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({
    total: Type.Integer({ minimum: 0, description: 'TCP, without those that listen' }),
    established: Count,
    synSent: Count,
    synReceived: Count,
    finWait1: Count,
    finWait2: Count,
    timeWait: Count,
    closed: Count,
    closeWait: Count,
    lastAck: Count,
    listen: Count,
    closing: Count,
    udp: Count,
  }),
  reads: true,
  shell: {
    // Counted on the host: a busy one has a hundred thousand.
    script:
      () => `echo "== tcp"; cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '$4 != "st" { n[$4]++ } END { for (s in n) print s, n[s] }'
echo "== udp"; cat /proc/net/udp /proc/net/udp6 2>/dev/null | grep -c ': '
:`,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const counts = new Map(
        [...(parts.get('tcp') ?? '').matchAll(/^([0-9A-F]{2}) (\d+)$/gm)].map(one => [
          Number.parseInt(one[1] ?? '', 16),
          Number(one[2]),
        ]),
      )
      const of = (state: (typeof states)[number]) => counts.get(states.indexOf(state) + 1) ?? 0
      const each = Object.fromEntries(states.map(state => [state, of(state)])) as Record<
        (typeof states)[number],
        number
      >
      const synReceivedNew = counts.get(12) ?? 0 // TCP_NEW_SYN_RECV
      const total = [...counts.values()].reduce((sum, n) => sum + n, 0) - each.listen
      return { total, ...each, synReceived: each.synReceived + synReceivedNew, udp: Number(parts.get('udp') ?? 0) }
    },
  },
  varies: Object.fromEntries(['total', ...states, 'udp'].map(name => [name, near])),
  summary: { total: ['sum', 'max'], established: ['sum', 'max'], timeWait: ['sum', 'max'], listen: ['sum'] },
  display: {
    columns: [
      { title: 'ESTABLISHED', get: c => String(c.established) },
      { title: 'LISTEN', get: c => String(c.listen) },
      { title: 'TIME-WAIT', get: c => String(c.timeWait) },
      { title: 'TOTAL', get: c => String(c.total) },
      { title: 'UDP', get: c => String(c.udp) },
    ],
  },
})

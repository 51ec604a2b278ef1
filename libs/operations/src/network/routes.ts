import { operation, Type, type Static } from '@re-ops/pipelines'
import { present } from '../present.ts'
import { plain } from '../script.ts'
import { sections } from '../sections.ts'

const Family = Type.Union([Type.Literal(4), Type.Literal(6)], { description: 'of IP' })
const Route = Type.Object({
  family: Family,
  destination: Type.String({ examples: ['default', '10.0.0.0/8'] }),
  kind: Type.Optional(
    Type.String({ description: 'unreachable, blackhole, prohibit, ...; absent for an ordinary one' }),
  ),
  gateway: Type.Optional(Type.String()),
  device: Type.Optional(Type.String()),
  source: Type.Optional(Type.String({ description: 'the address that packets leave with' })),
  metric: Type.Optional(Type.Integer({ minimum: 0 })),
  protocol: Type.Optional(Type.String({ description: 'who made it: kernel, dhcp, static, ...' })),
})
type Route = Static<typeof Route>

/** The main tables. Without `ip` the kernel's table of IPv4 is read. */
const routesScript = `${plain}
if command -v ip >/dev/null 2>&1; then
  echo "== four"; ip -o -4 route show
  echo "== six"; ip -o -6 route show 2>/dev/null
else
  echo "== proc"; cat /proc/net/route
fi
:`

const kinds = new Set([
  'unicast',
  'local',
  'broadcast',
  'multicast',
  'throw',
  'unreachable',
  'prohibit',
  'blackhole',
  'nat',
])

/** `10.0.0.0/8 via 10.1.1.1 dev eth0 metric 5`: a destination, after a kind that is not the usual one, then words in pairs. */
const routeOf = (line: string, family: 4 | 6): Route[] => {
  const words = line.trim().split(/\s+/)
  const kind = kinds.has(words[0] ?? '') ? words.shift() : undefined
  const destination = words.shift()
  if (!destination) return []
  const after = (word: string) => {
    const at = words.indexOf(word)
    return at < 0 ? undefined : words[at + 1]
  }
  const via = words.indexOf('via')
  const gateway = via < 0 ? undefined : words[via + 1]?.startsWith('inet') ? words[via + 2] : words[via + 1]
  const metric = after('metric')
  return [
    present({
      family,
      destination,
      kind,
      gateway,
      device: after('dev'),
      source: after('src'),
      metric: metric === undefined ? undefined : Number(metric),
      protocol: after('proto'),
    }),
  ]
}

/** Eight hexadecimal digits of /proc/net/route: the address as the (little-endian) machine keeps it. */
const address = (hex: string) =>
  (hex.match(/../g) ?? [])
    .reverse()
    .map(one => Number.parseInt(one, 16))
    .join('.')
const prefixLength = (hex: string) => Number.parseInt(hex, 16).toString(2).replaceAll('0', '').length

const procRouteOf = (line: string): Route[] => {
  const match = /^(\S+)\s+([0-9A-F]{8})\s+([0-9A-F]{8})\s+([0-9A-F]+)\s+\d+\s+\d+\s+(\d+)\s+([0-9A-F]{8})/.exec(line)
  if (!match) return []
  const [, device = '', to = '', via = '', flags = '', metric = '', mask = ''] = match
  const isRefused = (Number.parseInt(flags, 16) & 0x200) !== 0 // RTF_REJECT of linux/route.h
  const length = prefixLength(mask)
  return [
    present({
      family: 4 as const,
      destination: length === 0 ? 'default' : length === 32 ? address(to) : `${address(to)}/${length}`,
      kind: isRefused ? 'unreachable' : undefined,
      gateway: /^0+$/.test(via) ? undefined : address(via),
      device: isRefused ? undefined : device,
      metric: metric === '0' ? undefined : Number(metric),
    }),
  ]
}

const lines = (text: string | undefined) => (text ?? '').split('\n')

export const networkRoutes = operation({
  name: 'network.routes',
  doc: 'The routes of the main tables, IPv4 and IPv6.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Array(Route),
  reads: true,
  shell: {
    script: () => routesScript,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      return [
        ...lines(parts.get('four')).flatMap(line => routeOf(line, 4)),
        ...lines(parts.get('six')).flatMap(line => routeOf(line, 6)),
        ...lines(parts.get('proc')).flatMap(procRouteOf),
      ]
    },
  },
  varies: { gateway: 'host', source: 'host' },
  summary: { gateway: ['histogram'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'DESTINATION', get: (one: Route) => [one.kind, one.destination].filter(Boolean).join(' ') },
      { title: 'GATEWAY', get: (one: Route) => one.gateway ?? '-' },
      { title: 'DEVICE', get: (one: Route) => one.device ?? '-' },
      { title: 'METRIC', get: (one: Route) => String(one.metric ?? '-') },
    ],
  },
})

const Neighbour = Type.Object({
  address: Type.String(),
  device: Type.String(),
  mac: Type.Optional(Type.String({ description: 'absent while it is not known' })),
  state: Type.String({ description: 'as the kernel names it: reachable, stale, failed, permanent, ...' }),
})
type Neighbour = Static<typeof Neighbour>

const neighboursScript = `${plain}
if command -v ip >/dev/null 2>&1; then echo "== ip"; ip neigh show; else echo "== proc"; cat /proc/net/arp; fi`

const neighbourOf = (line: string): Neighbour[] => {
  const match = /^(\S+) dev (\S+)(?: lladdr (\S+))?.* ([A-Z]+)\s*$/.exec(line)
  if (!match) return []
  const [, address = '', device = '', mac, state = ''] = match
  return [present({ address, device, mac, state: state.toLowerCase() })]
}

/** Flags of /proc/net/arp: 0x2 complete, 0x4 permanent. */
const procNeighbourOf = (line: string): Neighbour[] => {
  const match = /^([\d.]+)\s+0x\w+\s+0x(\w+)\s+(\S+)\s+\S+\s+(\S+)$/.exec(line.trim())
  if (!match) return []
  const [, address = '', flags = '0', mac = '', device = ''] = match
  const bits = Number.parseInt(flags, 16)
  const state = bits & 4 ? 'permanent' : bits & 2 ? 'reachable' : 'incomplete'
  return [present({ address, device, mac: bits & 2 ? mac : undefined, state })]
}

export const networkNeighbours = operation({
  name: 'network.neighbours',
  doc: 'The neighbours on its links that the host knows of (ARP and NDP).',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Array(Neighbour),
  reads: true,
  shell: {
    script: () => neighboursScript,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      return [...lines(parts.get('ip')).flatMap(neighbourOf), ...lines(parts.get('proc')).flatMap(procNeighbourOf)]
    },
  },
  varies: { '': 'any' },
  summary: { state: ['histogram'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'ADDRESS', get: (one: Neighbour) => one.address },
      { title: 'MAC', get: (one: Neighbour) => one.mac ?? '-' },
      { title: 'DEVICE', get: (one: Neighbour) => one.device },
      { title: 'STATE', get: (one: Neighbour) => one.state },
    ],
  },
})

import { operation, Type, type Static } from '@re-ops/pipelines'
import { present } from '../present.ts'
import { plain } from '../script.ts'
import { sections } from '../sections.ts'
import { bytes } from '../show.ts'

const Count = Type.Integer({ minimum: 0 })
const counters = {
  rxBytes: 'rx_bytes',
  txBytes: 'tx_bytes',
  rxPackets: 'rx_packets',
  txPackets: 'tx_packets',
  rxErrors: 'rx_errors',
  txErrors: 'tx_errors',
  rxDropped: 'rx_dropped',
  txDropped: 'tx_dropped',
} as const
type Counter = keyof typeof counters

const Interface = Type.Object({
  name: Type.String({ examples: ['eth0'] }),
  state: Type.String({ description: 'operstate of the kernel: up, down, unknown (loopback), ...' }),
  mac: Type.Optional(Type.String()),
  mtu: Count,
  speedMegabitsPerSecond: Type.Optional(Type.Integer({ description: 'of the link; absent when it has none' })),
  addresses: Type.Array(Type.String(), { description: 'with their prefix length', examples: [['10.0.0.5/24']] }),
  rxBytes: Count,
  txBytes: Count,
  rxPackets: Count,
  txPackets: Count,
  rxErrors: Count,
  txErrors: Count,
  rxDropped: Count,
  txDropped: Count,
})
type Interface = Static<typeof Interface>

/** One grep reads all of sysfs; `ip` (iproute2 or busybox) adds the addresses. */
const script = `${plain}
echo "== links"; cd /sys/class/net && grep . */mtu */operstate */address */speed ${Object.values(counters)
  .map(one => `*/statistics/${one}`)
  .join(' ')} /dev/null 2>/dev/null
echo "== addresses"; ip -o addr show 2>/dev/null
:`

const addressesOf = (text: string): ReadonlyMap<string, string[]> => {
  const found = new Map<string, string[]>()
  for (const [, name = '', address = ''] of text.matchAll(/^\d+: +([^\s@]+)\S* +inet6? +([0-9a-f.:/]+)/gm))
    found.set(name, [...(found.get(name) ?? []), address])
  return found
}

const interfaces = (links: string, addresses: ReadonlyMap<string, string[]>): Interface[] => {
  const found = new Map<string, Map<string, string>>()
  for (const [, name = '', key = '', value = ''] of links.matchAll(/^([^/\n]+)\/(?:statistics\/)?([a-z_]+):(.*)$/gm))
    found.set(name, (found.get(name) ?? new Map<string, string>()).set(key, value))
  if (found.size === 0) throw new Error('no interfaces in the output')
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, fields]) => interfaceOf(name, fields, addresses))
}

const interfaceOf = (
  name: string,
  fields: ReadonlyMap<string, string>,
  addresses: ReadonlyMap<string, string[]>,
): Interface => {
  const number = (key: string) => Number(fields.get(key) ?? 0)
  const mac = fields.get('address')
  const counted = Object.entries(counters).map(([field, key]) => [field, number(key)] as const)
  return present({
    name,
    state: fields.get('operstate') ?? 'unknown',
    mac: mac === undefined || /^[0:]*$/.test(mac) ? undefined : mac,
    mtu: number('mtu'),
    speedMegabitsPerSecond: number('speed') > 0 ? number('speed') : undefined,
    addresses: addresses.get(name) ?? [],
    ...(Object.fromEntries(counted) as Record<Counter, number>),
  })
}

const traffic = { tolerance: 0.1, absolute: 16_777_216 }
const packets = { tolerance: 0.1, absolute: 65_536 }

export const networkInterfaces = operation({
  name: 'network.interfaces',
  doc: 'Each network interface: state, addresses, MAC, MTU, and what went through it since it came up.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Array(Interface),
  reads: true,
  shell: {
    script: () => script,
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      return interfaces(parts.get('links') ?? '', addressesOf(parts.get('addresses') ?? ''))
    },
  },
  varies: {
    mac: 'host',
    addresses: 'host',
    rxBytes: traffic,
    txBytes: traffic,
    rxPackets: packets,
    txPackets: packets,
    rxErrors: packets,
    txErrors: packets,
    rxDropped: packets,
    txDropped: packets,
  },
  summary: { state: ['histogram'], rxBytes: ['sum'], txBytes: ['sum'], rxErrors: ['sum'], txErrors: ['sum'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'INTERFACE', get: (one: Interface) => one.name },
      { title: 'STATE', get: (one: Interface) => one.state },
      { title: 'ADDRESSES', get: (one: Interface) => one.addresses.join(', ') || '-' },
      { title: 'RX', get: (one: Interface) => bytes(one.rxBytes) },
      { title: 'TX', get: (one: Interface) => bytes(one.txBytes) },
      { title: 'MTU', get: (one: Interface) => String(one.mtu) },
    ],
  },
})

import { operation, Type } from '@re-ops/pipelines'
import { present } from '../present.ts'
import { HostName, httpProbe, Port, portProbe, Reason, reasonOf, Url, wholeSeconds } from './probes.ts'
import { clock, plain } from '../script.ts'
import { sections, wholeNumber } from '../sections.ts'

const Milliseconds = Type.Integer({ minimum: 0 })
const TimeoutMs = Type.Optional(
  Type.Integer({ minimum: 1, maximum: 300_000, description: 'rounded up to whole seconds; default 5000' }),
)
const timeoutMsDefault = 5000

export const networkResolve = operation({
  name: 'network.resolve',
  doc: 'The addresses of a name, as this host resolves it (hosts file, DNS, ... by getent).',
  input: Type.Object({ name: HostName }, { additionalProperties: false }),
  output: Type.Object({
    found: Type.Boolean(),
    addresses: Type.Array(Type.String(), { description: 'sorted, each once' }),
    canonical: Type.Optional(Type.String({ description: 'the name that was found, if another' })),
  }),
  reads: true,
  shell: {
    command: ({ name }) => ['getent', 'ahosts', name],
    okCodes: () => [0, 2], // 2: not found (getent(1))
    parse: ({ stdout }, { name }) => {
      const rows = [...stdout.matchAll(/^(\S+)\s+[A-Z]+ *(\S*)\s*$/gm)]
      const canonical = rows.find(row => row[2])?.[2]
      const addresses = [...new Set(rows.map(row => row[1] ?? ''))].sort()
      return present({
        found: addresses.length > 0,
        addresses,
        canonical: canonical === name ? undefined : canonical,
      })
    },
  },
  summary: { found: ['histogram'], addresses: ['histogram'] },
  display: {
    columns: [{ title: 'ADDRESSES', get: r => (r.found ? r.addresses.join(', ') : 'not found') }],
  },
})

export const networkPort = operation({
  name: 'network.port',
  doc: 'Whether this host reaches a TCP port, and how long the connection took.',
  input: Type.Object({ host: HostName, port: Port, timeoutMs: TimeoutMs }, { additionalProperties: false }),
  output: Type.Object({ open: Type.Boolean(), ms: Milliseconds, reason: Type.Optional(Reason) }),
  reads: true,
  shell: {
    script: () => `${plain}
${clock}
${portProbe}
began=$(now)
if probe_port "$1" "$2" "$3"; then echo "== open"; echo yes; else echo "== why"; echo "$why"; fi
echo "== ms"; echo $(($(now) - began))`,
    args: ({ host, port, timeoutMs = timeoutMsDefault }) => [host, String(port), wholeSeconds(timeoutMs)],
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const why = parts.get('why')
      return present({
        open: parts.has('open'),
        ms: wholeNumber(parts.get('ms'), 'time'),
        reason: why === undefined ? undefined : reasonOf(why),
      })
    },
  },
  varies: { ms: 'any' },
  summary: { open: ['histogram'], reason: ['histogram'], ms: ['min', 'mean', 'max'] },
  display: {
    columns: [
      { title: 'OPEN', get: r => (r.open ? 'yes' : `no: ${r.reason ?? 'failed'}`) },
      { title: 'MS', get: r => String(r.ms) },
    ],
  },
})

export const networkHttp = operation({
  name: 'network.http',
  doc: 'What a URL answers when this host asks it: status, time, size.',
  input: Type.Object(
    {
      url: Url,
      method: Type.Optional(Type.Union([Type.Literal('GET'), Type.Literal('HEAD')], { description: 'default GET' })),
      follow: Type.Optional(Type.Boolean({ description: 'redirects (wget always does)' })),
      insecure: Type.Optional(Type.Boolean({ description: 'accept any certificate' })),
      timeoutMs: TimeoutMs,
    },
    { additionalProperties: false },
  ),
  output: Type.Object({
    answered: Type.Boolean({ description: 'whatever the status' }),
    status: Type.Optional(Type.Integer({ minimum: 100, maximum: 999 })),
    ms: Milliseconds,
    bytes: Type.Optional(Type.Integer({ minimum: 0, description: 'of the body; wget does not tell' })),
    address: Type.Optional(Type.String({ description: 'that answered; wget does not tell' })),
    reason: Type.Optional(Reason),
  }),
  reads: true,
  shell: {
    script: () => `${plain}
${clock}
${httpProbe}
began=$(now)
if probe_http "$@"; then echo "== answer"; echo "$answer"; else echo "== why"; echo "$why"; fi
echo "== ms"; echo $(($(now) - began))`,
    args: ({ url, method = 'GET', follow, insecure, timeoutMs = timeoutMsDefault }) => [
      url,
      wholeSeconds(timeoutMs),
      method,
      follow ? 'y' : '',
      insecure ? 'y' : '',
    ],
    parse: ({ stdout }) => {
      const parts = sections(stdout)
      const why = parts.get('why')
      const ms = wholeNumber(parts.get('ms'), 'time')
      if (why !== undefined) return { answered: false, ms, reason: reasonOf(why) }
      const [status = '', seconds = '-', size = '-', address = '-'] = (parts.get('answer') ?? '').split(' ')
      return present({
        answered: true,
        status: wholeNumber(status, 'status'),
        ms: seconds === '-' ? ms : Math.round(Number(seconds) * 1000),
        bytes: size === '-' ? undefined : Number(size),
        address: address === '-' || address === '' ? undefined : address,
      })
    },
  },
  varies: { ms: 'any', address: 'any', bytes: { tolerance: 0.1 } },
  summary: { status: ['histogram'], reason: ['histogram'], ms: ['min', 'mean', 'max'] },
  display: {
    columns: [
      { title: 'STATUS', get: r => String(r.status ?? r.reason ?? 'failed') },
      { title: 'MS', get: r => String(r.ms) },
      { title: 'BYTES', get: r => String(r.bytes ?? '-') },
    ],
  },
})

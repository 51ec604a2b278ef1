import { operation, Type, type Static } from '@re-ops/pipelines'
import { dfScript, mounts } from './df.ts'
import { rough } from './fold.ts'
import { meminfo } from './meminfo.ts'
import { sections, wholeNumber } from './sections.ts'
import { bytes } from './show.ts'
import { bootTime } from './uptime.ts'
import { virtualisation, virtualisationScript } from './virtualisation.ts'

const Bytes = Type.Integer({ minimum: 0 })
const Output = Type.Object({
  os: Type.Object({
    id: Type.String({ examples: ['debian'] }),
    version: Type.String({ description: 'VERSION_ID of os-release; empty when it has none' }),
    pretty: Type.String(),
  }),
  kernel: Type.String({ description: 'uname -r' }),
  hostname: Type.String(),
  arch: Type.String({ description: 'uname -m', examples: ['x86_64'] }),
  cpu: Type.Object({ model: Type.String(), count: Type.Integer({ minimum: 1, description: 'online' }) }),
  memory: Type.Object({ totalBytes: Bytes, availableBytes: Bytes }),
  disks: Type.Array(
    Type.Object({
      mount: Type.String(),
      device: Type.String(),
      fs: Type.String(),
      totalBytes: Bytes,
      usedBytes: Bytes,
    }),
  ),
  addresses: Type.Array(Type.String(), { description: 'IPv4 and IPv6, without loopback and link-local ones' }),
  sshKeys: Type.Optional(Type.Array(Type.String(), { description: 'public host keys of its sshd: type and key' })),
  virtualisation: Type.String({ description: 'as systemd-detect-virt names it; none on bare metal' }),
  bootedAt: Type.String({ format: 'date-time' }),
})

/** POSIX sh; no program beyond what Debian's and Alpine's smallest images have. `ip` is used where it is there. */
const script = `echo "== os"; cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release 2>/dev/null
echo "== kernel"; uname -r
echo "== hostname"; uname -n
echo "== arch"; uname -m
echo "== cpu"; grep -m 1 -E "^(model name|Model|Hardware|cpu model)[[:space:]]*:" /proc/cpuinfo
echo "== cores"; getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c "^processor" /proc/cpuinfo
echo "== memory"; grep -E "^(MemTotal|MemAvailable|MemFree|Buffers|Cached):" /proc/meminfo
${dfScript}
echo "== ip"; ip -o addr show 2>/dev/null
echo "== fib"; awk '/32 host LOCAL/ { print last } { last = $2 }' /proc/net/fib_trie 2>/dev/null
echo "== inet"; cat /proc/net/if_inet6 2>/dev/null
${virtualisationScript}
echo "== ssh"; cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null
echo "== boot"; grep "^btime " /proc/stat`

/** A value of an os-release file: shell quoting, of which only quotes and backslashes occur (os-release(5)). */
const osRelease = (text: string, key: string): string => {
  const line = text.split('\n').find(one => one.startsWith(`${key}=`))
  const raw = line?.slice(key.length + 1).trim() ?? ''
  const quoted = /^(["'])(.*)\1$/.exec(raw)
  return (quoted?.[2] ?? raw).replace(/\\(.)/g, '$1')
}

/** `fe80...` of /proc/net/if_inet6: 32 digits without colons. */
const inet6 = (digits: string): string =>
  new URL(`http://[${digits.match(/.{4}/g)?.join(':') ?? ''}]/`).hostname.replace(/[[\]]/g, '')

const addresses = (ip: string, fib: string, inet: string): string[] => {
  const told = [...ip.matchAll(/^\d+: +\S+ +inet6? +([0-9a-f.:]+)/gm)].map(match => match[1] ?? '')
  const fromProc = () => [
    ...fib.split('\n'),
    ...inet.split('\n').flatMap(line => (/^[0-9a-f]{32} /.test(line) ? [inet6(line.slice(0, 32))] : [])),
  ]
  const all = told.length > 0 ? told : fromProc()
  return [...new Set(all)].filter(one => one !== '' && one !== '::1' && !/^(127\.|fe80:)/.test(one)).sort()
}

const sshKeys = (text: string): { sshKeys?: string[] } => {
  const found = [...text.matchAll(/^([a-z0-9@.-]+ [A-Za-z0-9+/]+=*)/gm)].map(([, key]) => key ?? '')
  return found.length > 0 ? { sshKeys: found.sort() } : {}
}

const parse = ({ stdout }: { stdout: string }): Static<typeof Output> => {
  const parts = sections(stdout)
  const part = (name: string) => parts.get(name) ?? ''
  const os = part('os')
  const { totalBytes, availableBytes } = meminfo(part('memory'))
  return {
    os: {
      id: osRelease(os, 'ID') || 'linux',
      version: osRelease(os, 'VERSION_ID'),
      pretty: osRelease(os, 'PRETTY_NAME') || osRelease(os, 'ID') || 'Linux',
    },
    kernel: part('kernel'),
    hostname: part('hostname'),
    arch: part('arch'),
    cpu: {
      model: part('cpu').replace(/^[^:]*:\s*/, '') || 'unknown',
      count: wholeNumber(part('cores'), 'number of cores'),
    },
    memory: { totalBytes, availableBytes },
    disks: mounts(part('df'), part('mounts')).map(({ mount, device, fs, totalBytes, usedBytes }) => ({
      mount,
      device,
      fs,
      totalBytes,
      usedBytes,
    })),
    addresses: addresses(part('ip'), part('fib'), part('inet')),
    ...sshKeys(part('ssh')),
    virtualisation: virtualisation(part('virt'), part('hints')),
    bootedAt: bootTime(part('boot')),
  }
}

export const facts = operation({
  name: 'facts',
  doc: 'What the host is: os, kernel, cpu, memory, disks, addresses, virtualisation, boot time.',
  input: Type.Object({}, { additionalProperties: false }),
  output: Output,
  reads: true,
  fact: 'facts',
  shell: { script: () => script, parse },
  varies: {
    hostname: 'host',
    addresses: 'host',
    sshKeys: 'host',
    bootedAt: 'host',
    'memory.availableBytes': { tolerance: 0.2, absolute: 536_870_912 },
    'disks.usedBytes': { tolerance: 0.05, absolute: 268_435_456 },
  },
  fold: rough('memory.totalBytes', 'disks.totalBytes'),
  summary: {
    'os.pretty': ['histogram'],
    kernel: ['histogram'],
    'cpu.count': ['sum'],
    'memory.totalBytes': ['sum'],
    'memory.availableBytes': ['sum'],
  },
  display: {
    columns: [
      { title: 'OS', get: f => `${f.os.id} ${f.os.version}`.trim() },
      { title: 'KERNEL', get: f => f.kernel },
      { title: 'CPU', get: f => `${f.cpu.count} x ${f.cpu.model}` },
      {
        title: 'MEMORY',
        get: f => `${bytes(f.memory.totalBytes - f.memory.availableBytes)} of ${bytes(f.memory.totalBytes)}`,
      },
      {
        title: 'DISK /',
        get: f => {
          const root = f.disks.find(disk => disk.mount === '/')
          return root ? `${bytes(root.usedBytes)} of ${bytes(root.totalBytes)}` : '-'
        },
      },
      { title: 'BOOTED', get: f => f.bootedAt.replace('T', ' ').replace(/:\d\d\..*/, '') },
    ],
  },
})

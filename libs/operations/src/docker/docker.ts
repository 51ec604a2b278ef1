import { operation, Type, type Static } from '@re-ops/pipelines'
import { becomeInput, becomes } from '../become.ts'
import { oneOf } from '../one-of.ts'
import { present } from '../present.ts'
import { bytes, percent } from '../show.ts'

export const ContainerName = Type.String({
  pattern: '^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,252}$',
  description: 'its name or id',
  examples: ['web'],
})
export const ImageName = Type.String({
  pattern: '^[a-zA-Z0-9][^\\s\\u0000]*$',
  maxLength: 512,
  examples: ['nginx:1.27', 'registry.example.org/app@sha256:…'],
})

/** One JSON object a line, as `--format '{{json .}}'` writes. */
export const jsonLines = (stdout: string): Record<string, string>[] =>
  stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Record<string, string>)

const factors: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}
/** `1.98MB`, `548KiB`: docker writes sizes for people, in three or four digits. */
export const dockerBytes = (text: string | undefined): number => {
  const match = /([\d.]+) ?([kKMGT]?i?B)/.exec(text ?? '')
  return match ? Math.round(Number(match[1]) * (factors[match[2] ?? ''] ?? 1)) : 0
}

const Container = Type.Object({
  id: Type.String({ description: 'the first 12 digits' }),
  name: Type.String(),
  image: Type.String(),
  command: Type.String(),
  state: Type.String({ examples: ['running', 'exited'] }),
  status: Type.String({ examples: ['Up 2 hours (healthy)'] }),
  createdAt: Type.String({ examples: ['2026-11-25 21:55:59 +0000 UTC'] }),
  ports: Type.Array(Type.String(), { examples: [['0.0.0.0:80->80/tcp']] }),
  labels: Type.Array(Type.String(), { examples: [['role=web']] }),
})
type Container = Static<typeof Container>

export const dockerContainers = operation({
  name: 'docker.containers',
  doc: 'The containers of the host, also those that are stopped.',
  input: Type.Object(
    { running: Type.Optional(Type.Boolean({ description: 'only those that run' })), ...becomeInput },
    { additionalProperties: false },
  ),
  output: Type.Array(Container),
  reads: true,
  shell: {
    command: ({ running }) => ['docker', 'ps', ...(running ? [] : ['--all']), '--no-trunc', '--format', '{{json .}}'],
    ...becomes,
    parse: ({ stdout }) =>
      jsonLines(stdout)
        .map(one => ({
          id: (one['ID'] ?? '').slice(0, 12),
          name: one['Names'] ?? '',
          image: one['Image'] ?? '',
          command: (one['Command'] ?? '').replace(/^"(.*)"$/, '$1'),
          state: one['State'] ?? '',
          status: one['Status'] ?? '',
          createdAt: one['CreatedAt'] ?? '',
          ports: (one['Ports'] ?? '').split(', ').filter(Boolean),
          labels: (one['Labels'] ?? '').split(',').filter(Boolean),
        }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
  },
  varies: { id: 'host', createdAt: 'host', status: 'any' },
  summary: { state: ['histogram'], image: ['histogram'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'NAME', get: (one: Container) => one.name },
      { title: 'IMAGE', get: (one: Container) => one.image },
      { title: 'STATUS', get: (one: Container) => one.status },
      { title: 'PORTS', get: (one: Container) => one.ports.join(', ') || '-' },
    ],
  },
})

const Image = Type.Object({
  id: Type.String({ description: 'the first 12 digits' }),
  repository: Type.String(),
  tag: Type.String(),
  digest: Type.Optional(Type.String({ description: 'in the registry it came from' })),
  createdAt: Type.String(),
  bytes: Type.Integer({ minimum: 0, description: 'of three or four digits, as docker says it' }),
})
type Image = Static<typeof Image>

export const dockerImages = operation({
  name: 'docker.images',
  doc: 'The images on the host.',
  input: Type.Object(becomeInput, { additionalProperties: false }),
  output: Type.Array(Image),
  reads: true,
  shell: {
    command: () => ['docker', 'images', '--no-trunc', '--digests', '--format', '{{json .}}'],
    ...becomes,
    parse: ({ stdout }) =>
      jsonLines(stdout)
        .map(one =>
          present({
            id: (one['ID'] ?? '').replace(/^sha256:/, '').slice(0, 12),
            repository: one['Repository'] ?? '',
            tag: one['Tag'] ?? '',
            digest: one['Digest'] === undefined || one['Digest'] === '<none>' ? undefined : one['Digest'],
            createdAt: one['CreatedAt'] ?? '',
            bytes: dockerBytes(one['Size']),
          }),
        )
        .sort((a, b) => (`${a.repository}:${a.tag}` < `${b.repository}:${b.tag}` ? -1 : 1)),
  },
  summary: { repository: ['histogram'], bytes: ['sum'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'IMAGE', get: (one: Image) => `${one.repository}:${one.tag}` },
      { title: 'ID', get: (one: Image) => one.id },
      { title: 'SIZE', get: (one: Image) => bytes(one.bytes) },
      { title: 'CREATED', get: (one: Image) => one.createdAt.slice(0, 16) },
    ],
  },
})

const Stats = Type.Object({
  name: Type.String(),
  id: Type.String({ description: 'the first 12 digits' }),
  cpu: Type.Number({ minimum: 0, description: 'cores it uses' }),
  memoryBytes: Type.Integer({ minimum: 0 }),
  memoryLimitBytes: Type.Integer({ minimum: 0 }),
  rxBytes: Type.Integer({ minimum: 0 }),
  txBytes: Type.Integer({ minimum: 0 }),
  readBytes: Type.Integer({ minimum: 0 }),
  writeBytes: Type.Integer({ minimum: 0 }),
  processes: Type.Integer({ minimum: 0 }),
})
type Stats = Static<typeof Stats>
const pair = (text: string | undefined) => {
  const [first, second] = (text ?? '').split(' / ')
  return [dockerBytes(first), dockerBytes(second)] as const
}

export const dockerStats = operation({
  name: 'docker.stats',
  doc: 'What the running containers use: processor, memory, network, disk.',
  input: Type.Object(becomeInput, { additionalProperties: false }),
  output: Type.Array(Stats),
  reads: true,
  shell: {
    command: () => ['docker', 'stats', '--no-stream', '--no-trunc', '--format', '{{json .}}'],
    ...becomes,
    parse: ({ stdout }) =>
      jsonLines(stdout)
        .map(one => {
          const [memoryBytes, memoryLimitBytes] = pair(one['MemUsage'])
          const [rxBytes, txBytes] = pair(one['NetIO'])
          const [readBytes, writeBytes] = pair(one['BlockIO'])
          return {
            name: one['Name'] ?? '',
            id: (one['ID'] ?? '').slice(0, 12),
            cpu: Number.parseFloat(one['CPUPerc'] ?? '0') / 100 || 0,
            memoryBytes,
            memoryLimitBytes,
            rxBytes,
            txBytes,
            readBytes,
            writeBytes,
            processes: Number(one['PIDs']) || 0,
          }
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
  },
  varies: ['id', 'cpu', 'memoryBytes', 'rxBytes', 'txBytes', 'readBytes', 'writeBytes', 'processes'],
  summary: { cpu: ['sum', 'max'], memoryBytes: ['sum', 'max'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'NAME', get: (one: Stats) => one.name },
      { title: 'CPU', get: (one: Stats) => percent(one.cpu) },
      { title: 'MEMORY', get: (one: Stats) => `${bytes(one.memoryBytes)} of ${bytes(one.memoryLimitBytes)}` },
      { title: 'NETWORK', get: (one: Stats) => `${bytes(one.rxBytes)} in, ${bytes(one.txBytes)} out` },
    ],
  },
})

const LogLine = Type.Object({
  at: Type.String({ description: 'RFC 3339, to the nanosecond' }),
  stream: oneOf(['stdout', 'stderr']),
  text: Type.String(),
})
type LogLine = Static<typeof LogLine>
const logLines = (text: string, stream: LogLine['stream']): LogLine[] =>
  text.split('\n').flatMap(line => {
    const match = /^(\d{4}-\S+Z) ?(.*)$/.exec(line)
    return match ? [{ at: match[1] ?? '', stream, text: match[2] ?? '' }] : []
  })

export const dockerLogs = operation({
  name: 'docker.logs',
  doc: 'The last lines that a container wrote.',
  input: Type.Object(
    {
      name: ContainerName,
      lines: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, description: 'default 100' })),
      sinceSeconds: Type.Optional(Type.Integer({ minimum: 1, description: 'only those of the last so many seconds' })),
      ...becomeInput,
    },
    { additionalProperties: false },
  ),
  output: Type.Array(LogLine),
  reads: true,
  shell: {
    command: ({ name, lines = 100, sinceSeconds }) => [
      'docker',
      'logs',
      '--timestamps',
      `--tail=${lines}`,
      ...(sinceSeconds === undefined ? [] : [`--since=${sinceSeconds}s`]),
      name,
    ],
    ...becomes,
    parse: ({ stdout, stderr }) =>
      [...logLines(stdout, 'stdout'), ...logLines(stderr, 'stderr')].sort((a, b) =>
        a.at < b.at ? -1 : a.at > b.at ? 1 : 0,
      ),
  },
  varies: { '': 'any' },
  display: {
    rows: found => found,
    columns: [
      { title: 'AT', get: (one: LogLine) => one.at.slice(0, 19).replace('T', ' ') },
      { title: 'STREAM', get: (one: LogLine) => one.stream },
      { title: 'TEXT', get: (one: LogLine) => one.text },
    ],
  },
})

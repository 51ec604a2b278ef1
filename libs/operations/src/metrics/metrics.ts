import { operation, Type, type Static } from '@re-ops/pipelines'
import { meminfo } from '../meminfo.ts'
import { cpuUse, diskRates, networkRates, topProcesses, type Reading } from './rates.ts'
import { sections, wholeNumber } from '../sections.ts'
import { bytes, percent } from '../show.ts'

const Share = Type.Number({ minimum: 0, maximum: 1 })
const Rate = Type.Number({ minimum: 0 })
const Bytes = Type.Integer({ minimum: 0 })

const windowMsDefault = 1000
const Window = {
  windowMs: Type.Optional(
    Type.Integer({ minimum: 50, maximum: 60_000, description: 'how long it looks; default 1000' }),
  ),
}
type Window = { windowMs?: number }
const empty = Type.Object({}, { additionalProperties: false })

/** Reads twice, `$1` seconds apart. The uptime (10 ms steps) is the clock: it does not jump. */
const twice = (read: string, after = ':') => `read_it() { echo "== at$1"; cat /proc/uptime; echo "== read$1"; ${read}; }
read_it a; sleep "$1"; read_it b; ${after}`
const windowArgs = ({ windowMs = windowMsDefault }: Window) => [String(windowMs / 1000)]
const callTimeoutMs = ({ windowMs = windowMsDefault }: Window) => windowMs + 30_000

const readings = (stdout: string): { parts: ReadonlyMap<string, string>; before: Reading; after: Reading } => {
  const parts = sections(stdout)
  const reading = (name: string): Reading => {
    const atMs = Math.round(Number.parseFloat(parts.get(`at${name}`) ?? '') * 1000)
    if (Number.isNaN(atMs)) throw new Error('no uptime in the output')
    return { atMs, text: parts.get(`read${name}`) ?? '' }
  }
  return { parts, before: reading('a'), after: reading('b') }
}

const Cpu = Type.Object({
  used: Type.Number({
    minimum: 0,
    maximum: 1,
    description: 'share of all cores that was not idle or waiting for disks',
  }),
  user: Share,
  nice: Share,
  system: Share,
  idle: Share,
  iowait: Share,
  irq: Share,
  softirq: Share,
  steal: Share,
  cores: Type.Array(Type.Object({ core: Type.Integer({ minimum: 0 }), used: Share })),
})

export const metricsCpu = operation({
  name: 'metrics.cpu',
  doc: 'What the processors did over a moment: shares of all of them, and of each.',
  input: Type.Object(Window, { additionalProperties: false }),
  output: Cpu,
  reads: true,
  native: true,
  shell: {
    script: () => twice('grep "^cpu" /proc/stat'),
    args: windowArgs,
    timeoutMs: callTimeoutMs,
    parse: ({ stdout }) => {
      const { before, after } = readings(stdout)
      return cpuUse(before, after)
    },
  },
  varies: Object.fromEntries(
    [...Object.keys(Cpu.properties).filter(name => name !== 'cores'), 'cores.used'].map(name => [name, 'any' as const]),
  ),
  summary: { used: ['min', 'mean', 'max'], iowait: ['mean', 'max'], steal: ['mean', 'max'] },
  display: {
    columns: [
      { title: 'USED', get: c => percent(c.used) },
      { title: 'USER', get: c => percent(c.user + c.nice) },
      { title: 'SYSTEM', get: c => percent(c.system + c.irq + c.softirq) },
      { title: 'IOWAIT', get: c => percent(c.iowait) },
      { title: 'STEAL', get: c => percent(c.steal) },
      { title: 'BUSIEST CORE', get: c => percent(Math.max(0, ...c.cores.map(one => one.used))) },
    ],
  },
})

const Memory = Type.Object({
  totalBytes: Bytes,
  availableBytes: Bytes,
  freeBytes: Bytes,
  buffersBytes: Bytes,
  cachedBytes: Bytes,
  dirtyBytes: Bytes,
  slabBytes: Bytes,
  swapTotalBytes: Bytes,
  swapFreeBytes: Bytes,
  used: Type.Number({ minimum: 0, maximum: 1, description: 'share that is not available to new work' }),
})
const volatileBytes = { tolerance: 0.2, absolute: 536_870_912 }

/** /proc/meminfo as a sample, for both forms. */
export const memorySample = (text: string): Static<typeof Memory> => {
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) * 1024
  const { totalBytes, availableBytes, swapTotalBytes, swapFreeBytes } = meminfo(text)
  return {
    totalBytes,
    availableBytes,
    freeBytes: kilobytes('MemFree'),
    buffersBytes: kilobytes('Buffers'),
    cachedBytes: kilobytes('Cached'),
    dirtyBytes: kilobytes('Dirty'),
    slabBytes: kilobytes('Slab'),
    swapTotalBytes,
    swapFreeBytes,
    used: Math.min(1, Math.max(0, 1 - availableBytes / totalBytes)),
  }
}

export const metricsMemory = operation({
  name: 'metrics.memory',
  doc: 'Where the memory is: available, free, cached, dirty, slab, swap.',
  input: empty,
  output: Memory,
  reads: true,
  native: true,
  shell: { command: () => ['cat', '/proc/meminfo'], parse: ({ stdout }) => memorySample(stdout) },
  varies: {
    availableBytes: volatileBytes,
    freeBytes: volatileBytes,
    buffersBytes: volatileBytes,
    cachedBytes: volatileBytes,
    dirtyBytes: volatileBytes,
    slabBytes: volatileBytes,
    swapFreeBytes: volatileBytes,
    used: { tolerance: 0, absolute: 0.2 },
  },
  summary: { used: ['min', 'mean', 'max'], totalBytes: ['sum'], availableBytes: ['min', 'sum'] },
  display: {
    columns: [
      { title: 'USED', get: m => percent(m.used) },
      { title: 'AVAILABLE', get: m => bytes(m.availableBytes) },
      { title: 'CACHED', get: m => bytes(m.cachedBytes) },
      { title: 'DIRTY', get: m => bytes(m.dirtyBytes) },
      { title: 'SWAP USED', get: m => bytes(m.swapTotalBytes - m.swapFreeBytes) },
    ],
  },
})

const DiskRates = Type.Object({
  device: Type.String({ examples: ['vda'] }),
  readsPerSecond: Rate,
  writesPerSecond: Rate,
  readBytesPerSecond: Rate,
  writeBytesPerSecond: Rate,
  busy: Type.Number({ minimum: 0, maximum: 1, description: 'share of the time with work under way' }),
  waitMs: Type.Number({ minimum: 0, description: 'mean time of one read or write, waiting included' }),
})
type DiskRates = Static<typeof DiskRates>

export const metricsDisk = operation({
  name: 'metrics.disk',
  doc: 'What each disk did over a moment: reads and writes per second, how busy it was.',
  input: Type.Object(Window, { additionalProperties: false }),
  output: Type.Array(DiskRates),
  reads: true,
  native: true,
  shell: {
    script: () => twice('cat /proc/diskstats'),
    args: windowArgs,
    timeoutMs: callTimeoutMs,
    parse: ({ stdout }) => {
      const { before, after } = readings(stdout)
      return diskRates(before, after)
    },
  },
  varies: ['readsPerSecond', 'writesPerSecond', 'readBytesPerSecond', 'writeBytesPerSecond', 'busy', 'waitMs'],
  summary: { readBytesPerSecond: ['sum', 'max'], writeBytesPerSecond: ['sum', 'max'], busy: ['max'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'DEVICE', get: (one: DiskRates) => one.device },
      {
        title: 'READ/S',
        get: (one: DiskRates) => `${bytes(one.readBytesPerSecond)} (${one.readsPerSecond.toFixed(0)})`,
      },
      {
        title: 'WRITE/S',
        get: (one: DiskRates) => `${bytes(one.writeBytesPerSecond)} (${one.writesPerSecond.toFixed(0)})`,
      },
      { title: 'BUSY', get: (one: DiskRates) => percent(one.busy) },
      { title: 'WAIT', get: (one: DiskRates) => `${one.waitMs.toFixed(1)} ms` },
    ],
  },
})

const NetworkRates = Type.Object({
  name: Type.String({ examples: ['eth0'] }),
  rxBytesPerSecond: Rate,
  txBytesPerSecond: Rate,
  rxPacketsPerSecond: Rate,
  txPacketsPerSecond: Rate,
  errorsPerSecond: Rate,
  droppedPerSecond: Rate,
})
type NetworkRates = Static<typeof NetworkRates>

export const metricsNetwork = operation({
  name: 'metrics.network',
  doc: 'What went through each network interface over a moment, per second.',
  input: Type.Object(Window, { additionalProperties: false }),
  output: Type.Array(NetworkRates),
  reads: true,
  native: true,
  shell: {
    script: () => twice('cat /proc/net/dev'),
    args: windowArgs,
    timeoutMs: callTimeoutMs,
    parse: ({ stdout }) => {
      const { before, after } = readings(stdout)
      return networkRates(before, after)
    },
  },
  varies: Object.keys(NetworkRates.properties).filter(name => name !== 'name'),
  summary: { rxBytesPerSecond: ['sum', 'max'], txBytesPerSecond: ['sum', 'max'], errorsPerSecond: ['sum'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'INTERFACE', get: (one: NetworkRates) => one.name },
      { title: 'RX/S', get: (one: NetworkRates) => bytes(one.rxBytesPerSecond) },
      { title: 'TX/S', get: (one: NetworkRates) => bytes(one.txBytesPerSecond) },
      { title: 'ERRORS/S', get: (one: NetworkRates) => String(one.errorsPerSecond) },
    ],
  },
})

const LoadSample = Type.Object({
  one: Rate,
  five: Rate,
  fifteen: Rate,
  running: Type.Integer({ minimum: 0, description: 'threads that run or want to' }),
  threads: Type.Integer({ minimum: 0 }),
})

/** /proc/loadavg as a sample, for both forms. */
export const loadSample = (text: string): Static<typeof LoadSample> => {
  const match = /^([\d.]+) ([\d.]+) ([\d.]+) (\d+)\/(\d+)/.exec(text)
  if (!match) throw new Error('no load averages in the output')
  const [one = 0, five = 0, fifteen = 0, running = 0, threads = 0] = match.slice(1).map(Number)
  return { one, five, fifteen, running, threads }
}

export const metricsLoad = operation({
  name: 'metrics.load',
  doc: 'Load averages, and how many threads there are and run.',
  input: empty,
  output: LoadSample,
  reads: true,
  native: true,
  shell: { command: () => ['cat', '/proc/loadavg'], parse: ({ stdout }) => loadSample(stdout) },
  varies: { one: 'any', five: 'any', fifteen: 'any', running: 'any', threads: { tolerance: 0.5, absolute: 100 } },
  summary: { one: ['min', 'mean', 'max'], five: ['max'], fifteen: ['max'], threads: ['sum'] },
  display: {
    columns: [
      { title: '1 MIN', get: l => l.one.toFixed(2) },
      { title: '5 MIN', get: l => l.five.toFixed(2) },
      { title: '15 MIN', get: l => l.fifteen.toFixed(2) },
      { title: 'RUNNING', get: l => `${l.running} of ${l.threads}` },
    ],
  },
})

export const metricsEntropy = operation({
  name: 'metrics.entropy',
  doc: 'How much entropy the kernel has for random numbers.',
  input: empty,
  output: Type.Object({ availableBits: Type.Integer({ minimum: 0 }), poolBits: Type.Integer({ minimum: 0 }) }),
  reads: true,
  native: true,
  shell: {
    command: () => ['cat', '/proc/sys/kernel/random/entropy_avail', '/proc/sys/kernel/random/poolsize'],
    parse: ({ stdout }) => {
      const [available, pool] = stdout.split('\n')
      return { availableBits: wholeNumber(available, 'entropy'), poolBits: wholeNumber(pool, 'size of the pool') }
    },
  },
  varies: { availableBits: { tolerance: 0.5, absolute: 256 } },
  summary: { availableBits: ['min'] },
  display: { columns: [{ title: 'ENTROPY', get: e => `${e.availableBits} of ${e.poolBits} bits` }] },
})

const Top = Type.Object({
  pid: Type.Integer(),
  name: Type.String({ description: 'of the program, at most 15 bytes' }),
  cpu: Type.Number({ minimum: 0, description: 'cores it used over the moment; more than 1 with several threads' }),
  memoryBytes: Type.Integer({ minimum: 0, description: 'resident' }),
  threads: Type.Integer({ minimum: 0 }),
})
type Top = Static<typeof Top>

export const metricsTop = operation({
  name: 'metrics.top',
  doc: 'The processes that used the processors most (or hold most memory) over a moment.',
  input: Type.Object(
    {
      ...Window,
      top: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'how many; default 10' })),
      by: Type.Optional(
        Type.Union([Type.Literal('cpu'), Type.Literal('memory')], { description: 'the order; default cpu' }),
      ),
    },
    { additionalProperties: false },
  ),
  output: Type.Array(Top),
  reads: true,
  shell: {
    script: () =>
      twice(
        'cat /proc/[0-9]*/stat 2>/dev/null',
        'echo "== clock"; getconf CLK_TCK 2>/dev/null || echo 100; getconf PAGESIZE 2>/dev/null || echo 4096; echo "== self"; echo $$',
      ),
    args: windowArgs,
    timeoutMs: callTimeoutMs,
    parse: ({ stdout }, { top = 10, by = 'cpu' }) => {
      const { parts, before, after } = readings(stdout)
      const [ticks, page] = (parts.get('clock') ?? '').split('\n')
      const machine = { ticks: wholeNumber(ticks, 'clock rate'), page: wholeNumber(page, 'page size') }
      const self = wholeNumber(parts.get('self'), 'process id')
      const key = by === 'cpu' ? 'cpu' : 'memoryBytes'
      return topProcesses(before, after, machine)
        .filter(one => one.pid !== self && one.ppid !== self)
        .sort((a, b) => b[key] - a[key] || b.memoryBytes - a.memoryBytes || a.pid - b.pid)
        .slice(0, top)
        .map(({ pid, name, cpu, memoryBytes, threads }) => ({ pid, name, cpu, memoryBytes, threads }))
    },
  },
  varies: { '': 'any' },
  summary: { cpu: ['max', 'sum'], memoryBytes: ['max'] },
  display: {
    rows: found => found,
    columns: [
      { title: 'PID', get: (one: Top) => String(one.pid) },
      { title: 'NAME', get: (one: Top) => one.name },
      { title: 'CPU', get: (one: Top) => percent(one.cpu) },
      { title: 'MEMORY', get: (one: Top) => bytes(one.memoryBytes) },
      { title: 'THREADS', get: (one: Top) => String(one.threads) },
    ],
  },
})

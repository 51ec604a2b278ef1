/**
 * What two readings of the kernel's counters say about the time between them. Pure, and shared by the shell forms (one script
 * reads twice), the native ones and whatever samples on the agent. A counter that went back (wrapped, or its device is new)
 * counts from zero.
 */

/** The text of a file of /proc, and when it was read, in milliseconds of a clock that does not jump. */
export type Reading = { readonly atMs: number; readonly text: string }

const round = (value: number) => Math.round(value * 10_000) / 10_000
const growth = (before: number | undefined, after: number) =>
  before === undefined || after < before ? 0 : after - before
const seconds = (before: Reading, after: Reading) => Math.max(0.001, (after.atMs - before.atMs) / 1000)

type Counters = readonly number[]
const at = (counters: Counters | undefined, n: number) => counters?.[n]

/** Lines as name and numbers: the name may end with a colon, and numbers may follow it at once. */
const table = (text: string, line: RegExp): ReadonlyMap<string, Counters> =>
  new Map(
    text.split('\n').flatMap(one => {
      const match = line.exec(one)
      return match ? [[match[1] ?? '', (match[2] ?? '').trim().split(/\s+/).map(Number)] as const] : []
    }),
  )

const cpuFields = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const
type CpuShares = Record<(typeof cpuFields)[number], number>

/** Columns of /proc/stat (proc(5)). Time of guests is in `user` already, and is not counted twice. */
const cpuShares = (before: Counters | undefined, after: Counters): CpuShares & { used: number } => {
  const grown = cpuFields.map((_, n) => growth(at(before, n) ?? 0, after[n] ?? 0))
  const all = grown.reduce((sum, n) => sum + n, 0)
  const share = (n: number) => (all === 0 ? 0 : round((grown[n] ?? 0) / all))
  const shares = Object.fromEntries(cpuFields.map((name, n) => [name, share(n)])) as CpuShares
  const idle = all === 0 ? 1 : ((grown[3] ?? 0) + (grown[4] ?? 0)) / all
  return { used: Math.max(0, round(1 - idle)), ...shares }
}

/** Of the lines `cpu` and `cpu0`, ... of /proc/stat. When no time passed, nothing was used. */
export const cpuUse = (before: Reading, after: Reading) => {
  const line = /^(cpu\d*)\s+(.*)$/
  const [first, second] = [table(before.text, line), table(after.text, line)]
  const total = second.get('cpu')
  if (!total) throw new Error('no processor times in the output')
  const cores = [...second].flatMap(([name, counters]) =>
    name === 'cpu' ? [] : [{ core: Number(name.slice(3)), used: cpuShares(first.get(name), counters).used }],
  )
  return { ...cpuShares(first.get('cpu'), total), cores }
}

/** Whole disks: partitions, loops, RAM disks and empty drives are left out. Sectors of /proc/diskstats are 512 bytes, whatever the disk has. */
export const diskRates = (before: Reading, after: Reading) => {
  const line = /^\s*\d+\s+\d+\s+(\S+)\s+(.*)$/
  const [first, second] = [table(before.text, line), table(after.text, line)]
  const isWhole = (name: string) =>
    !/^(loop|ram|zram|sr|fd)\d/.test(name) &&
    !/^(sd[a-z]+|vd[a-z]+|xvd[a-z]+|hd[a-z]+)\d+$|^(nvme|mmcblk|md|nbd).*\dp\d+$/.test(name)
  const span = seconds(before, after)
  return [...second]
    .filter(([name, counters]) => isWhole(name) && counters.some(n => n > 0))
    .map(([device, now]) => {
      const then = first.get(device)
      const grown = (n: number) => (then ? growth(at(then, n), now[n] ?? 0) : 0)
      const operations = grown(0) + grown(4)
      return {
        device,
        readsPerSecond: round(grown(0) / span),
        writesPerSecond: round(grown(4) / span),
        readBytesPerSecond: round((grown(2) * 512) / span),
        writeBytesPerSecond: round((grown(6) * 512) / span),
        busy: Math.min(1, round(grown(9) / 1000 / span)),
        waitMs: operations === 0 ? 0 : round((grown(3) + grown(7)) / operations),
      }
    })
    .sort((a, b) => (a.device < b.device ? -1 : 1))
}

/** /proc/net/dev: eight columns received, eight sent. */
export const networkRates = (before: Reading, after: Reading) => {
  const line = /^\s*([^:\s|]+):\s*(\d.*)$/
  const [first, second] = [table(before.text, line), table(after.text, line)]
  const span = seconds(before, after)
  return [...second]
    .map(([name, now]) => {
      const then = first.get(name)
      const perSecond = (...columns: number[]) =>
        then ? round(columns.reduce((sum, n) => sum + growth(at(then, n), now[n] ?? 0), 0) / span) : 0
      return {
        name,
        rxBytesPerSecond: perSecond(0),
        txBytesPerSecond: perSecond(8),
        rxPacketsPerSecond: perSecond(1),
        txPacketsPerSecond: perSecond(9),
        errorsPerSecond: perSecond(2, 10),
        droppedPerSecond: perSecond(3, 11),
      }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Lines of /proc/<pid>/stat (proc(5)): the name stands in parentheses and may hold blanks and parentheses itself. */
const stats = (text: string) =>
  new Map(
    text.split('\n').flatMap(line => {
      const match = /^(\d+) \((.*)\) (.*)$/.exec(line)
      if (!match) return []
      const fields = (match[3] ?? '').split(' ')
      const field = (n: number) => Number(fields[n - 3]) // numbered from 1 in proc(5); these begin at 3
      const ticks = field(14) + field(15)
      const one = {
        name: match[2] ?? '',
        ppid: field(4),
        ticks,
        threads: field(20),
        start: field(22),
        pages: field(24),
      }
      return [[Number(match[1]), one] as const]
    }),
  )

/** The processes there are now. A process id that is used anew in between (another start time) began at zero. */
export const topProcesses = (
  before: Reading,
  after: Reading,
  machine: { readonly ticks: number; readonly page: number },
) => {
  const [first, second] = [stats(before.text), stats(after.text)]
  const span = seconds(before, after)
  return [...second].map(([pid, now]) => {
    const then = first.get(pid)
    const used = then?.start === now.start ? growth(then.ticks, now.ticks) : now.ticks
    return {
      pid,
      ppid: now.ppid,
      name: now.name,
      cpu: round(used / machine.ticks / span),
      memoryBytes: Math.max(0, now.pages) * machine.page,
      threads: now.threads,
    }
  })
}

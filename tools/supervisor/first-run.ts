import type { Client } from '@re-ops/client'
import type { Run, Target } from '@re-ops/protocols'
import { namesText } from './words.ts'

const waitMs = 30_000

/** The facts of every host there is, by one real run. */
export const firstRun = ({ mote }: Client): Promise<Run> =>
  mote.createRun({ on: '*', pipeline: { kind: 'call', operation: 'facts' } }, { waitMs })

/** The part of operation `facts` that is shown. */
type Facts = {
  readonly os: { readonly id: string; readonly version: string }
  readonly kernel: string
  readonly cpu: { readonly model: string; readonly count: number }
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number }
  readonly disks: readonly { readonly mount: string; readonly totalBytes: number; readonly usedBytes: number }[]
  readonly bootedAt: string
}

const titles = ['HOST', 'OS', 'KERNEL', 'CPU', 'MEMORY', 'DISK /', 'UP'] as const
/** Up to here each host has a row of its own; more hosts, and those with the same values share one. */
const rowsMax = 12
const cpuWidthMax = 28

const gib = (bytes: number): string => {
  const value = bytes / 2 ** 30
  return value < 100 ? value.toFixed(1) : String(Math.round(value))
}

const upText = (bootedAt: string, nowMs: number): string => {
  const minutes = Math.max(0, Math.floor((nowMs - Date.parse(bootedAt)) / 60_000))
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`
}

/** `AMD EPYC 7763 64-Core Processor` -> `AMD EPYC 7763 64-Core`. */
const cpuText = ({ model, count }: Facts['cpu']): string => {
  const short = model
    .replaceAll(/\((R|TM)\)|\bCPU\b|\bProcessor\b|@.*$/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return `${count} x ${short.length > cpuWidthMax ? `${short.slice(0, cpuWidthMax - 1)}…` : short}`
}

const cellsOf = (facts: Facts, nowMs: number): string[] => {
  const disk = facts.disks.find(one => one.mount === '/')
  const { totalBytes, availableBytes } = facts.memory
  return [
    `${facts.os.id} ${facts.os.version}`.trim(),
    facts.kernel,
    cpuText(facts.cpu),
    `${gib(totalBytes - availableBytes)} of ${gib(totalBytes)} GiB`,
    disk ? `${gib(disk.usedBytes)} of ${gib(disk.totalBytes)} GiB` : '-',
    upText(facts.bootedAt, nowMs),
  ]
}

type Row = { names: string[]; cells: readonly string[] }

const rowOf = (target: Target, nowMs: number): Row =>
  target.state === 'ok'
    ? { names: [target.host.name], cells: cellsOf(target.value as Facts, nowMs) }
    : { names: [target.host.name], cells: [target.state, target.failure?.message ?? ''] }

const folded = (rows: readonly Row[]): readonly Row[] => {
  const byCells = new Map<string, Row>()
  for (const row of rows) {
    const key = row.cells.join('\n')
    const known = byCells.get(key)
    if (known) known.names.push(...row.names)
    else byCells.set(key, { names: [...row.names], cells: row.cells })
  }
  return [...byCells.values()]
}

/** The table of the first run: failures first, this machine before the others. */
export const factsTable = (targets: readonly Target[], first: string, nowMs: number): string[] => {
  const order = (target: Target) => (target.state === 'ok' ? 1 : 0) * 2 + (target.host.name === first ? 0 : 1)
  const byName = (a: Target, b: Target) => a.host.name.localeCompare(b.host.name, 'en', { numeric: true })
  const rows = targets.toSorted((a, b) => order(a) - order(b) || byName(a, b)).map(target => rowOf(target, nowMs))
  const shown = rows.length > rowsMax ? folded(rows) : rows
  const lines = shown.map(({ names, cells }) => [namesText(names), ...cells])
  const whole = [titles, ...lines.filter(cells => cells.length === titles.length)]
  const widths = titles.map((_, column) => Math.max(...whole.map(cells => cells[column]?.length ?? 0)))
  widths[0] = Math.max(...lines.map(cells => cells[0]?.length ?? 0), titles[0].length)
  return [titles, ...lines].map(cells =>
    `  ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd(),
  )
}

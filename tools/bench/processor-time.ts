import { readdirSync, readFileSync } from 'node:fs'

const ticksPerSecond = 100

type Row = { readonly pid: number; readonly parent: number; readonly ticks: number }
/** Field numbers as in proc(5): 4 parent, 14 to 17 own time and that of children that ended. */
const rowOf = (pid: string): Row | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const at = (field: number) => Number(fields[field - 3])
    return { pid: Number(pid), parent: at(4), ticks: at(14) + at(15) + at(16) + at(17) }
  } catch {
    return null // ended meanwhile
  }
}

/** Processor time of a process and all that descend from it, those that ended included, in ms. Linux only. */
export const processorMs = (root: number): number => {
  const rows = readdirSync('/proc').flatMap(name => (/^\d+$/.test(name) ? (rowOf(name) ?? []) : []))
  const byParent = Map.groupBy(rows, row => row.parent)
  const sum = (pid: number): number => (byParent.get(pid) ?? []).reduce((all, one) => all + one.ticks + sum(one.pid), 0)
  return ((rows.find(row => row.pid === root)?.ticks ?? 0) + sum(root)) * (1000 / ticksPerSecond)
}

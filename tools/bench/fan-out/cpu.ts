import { readdirSync, readFileSync } from 'node:fs'
import type { Rig } from './rig.ts'

export type CpuSeconds = Readonly<Record<'service' | 'broker' | 'postgres' | 'simulator', number>>

const ticksPerSecond = 100

const statOf = (pid: number | string): { parent: number; ticks: number } => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
}

/** The postmaster and its children; one that ends meanwhile is missed. */
const familyTicks = (pid: number): number => {
  let sum = statOf(pid).ticks
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const { parent, ticks } = statOf(name)
      if (parent === pid) sum += ticks
    } catch {
      continue // ended while we looked
    }
  }
  return sum
}

/** CPU seconds that each kind of process has used so far. */
export const cpuSeconds = (rig: Rig): CpuSeconds => {
  const { service, broker, postgres, simulator } = rig.pids()
  const seconds = (ticks: number) => ticks / ticksPerSecond
  return {
    service: seconds(statOf(service).ticks),
    broker: seconds(statOf(broker).ticks),
    postgres: seconds(familyTicks(postgres)),
    simulator: seconds(simulator.reduce((sum, pid) => sum + statOf(pid).ticks, 0)),
  }
}

/** Resident kibibytes of a process. */
export const residentKiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)

export const sinceCpu = (from: CpuSeconds, to: CpuSeconds): CpuSeconds => ({
  service: to.service - from.service,
  broker: to.broker - from.broker,
  postgres: to.postgres - from.postgres,
  simulator: to.simulator - from.simulator,
})

/** For people: milliseconds of CPU for 1,000 results. */
export const cpuText = (cpu: CpuSeconds, results: number): string =>
  Object.entries(cpu)
    .map(([kind, seconds]) => `${kind} ${((seconds * 1e6) / results).toFixed(0)}`)
    .join(', ')

import { readdirSync, readFileSync } from 'node:fs'
import type { Rig } from './rig.ts'

const kinds = ['service', 'broker', 'postgres', 'simulator', 'bench', 'barePeers'] as const
/** CPU seconds by kind of process; `bench` is this one, which is HTTP client and bare ROUTER. */
export type CpuSeconds = Readonly<Record<(typeof kinds)[number], number>>
export const noCpu: CpuSeconds = { service: 0, broker: 0, postgres: 0, simulator: 0, bench: 0, barePeers: 0 }

const ticksPerSecond = 100

const statOf = (pid: number | string): { parent: number; ticks: number; ofEnded: number } => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [ticks, ofEnded] = [Number(fields[11]) + Number(fields[12]), Number(fields[13]) + Number(fields[14])]
  return { parent: Number(fields[1]), ticks, ofEnded }
}

/** The postmaster and its children, those that ended included. */
const familyTicks = (pid: number): number => {
  const { ticks: own, ofEnded } = statOf(pid)
  let sum = own + ofEnded
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const { parent, ticks } = statOf(name)
      if (parent === pid) sum += ticks
    } catch {
      continue // ended while we looked: its parent counts it from now on
    }
  }
  return sum
}

/** What each kind of process has used so far. */
export const cpuSeconds = (rig: Rig): CpuSeconds => {
  const { service, broker, postgres, simulator } = rig.pids()
  const seconds = (ticks: number) => ticks / ticksPerSecond
  const all = (pids: readonly number[]) => seconds(pids.reduce((sum, pid) => sum + statOf(pid).ticks, 0))
  return {
    service: all([service]),
    broker: all([broker]),
    postgres: seconds(familyTicks(postgres)),
    simulator: all(simulator),
    bench: all([process.pid]),
    barePeers: all(rig.bare.pids()),
  }
}

/** What was used between two looks, added to what was before. */
export const usedCpu = (from: CpuSeconds, to: CpuSeconds, before: CpuSeconds = noCpu): CpuSeconds =>
  Object.fromEntries(kinds.map(kind => [kind, before[kind] + to[kind] - from[kind]])) as CpuSeconds

export const sumOfCpu = (cpu: CpuSeconds): number => kinds.reduce((sum, kind) => sum + cpu[kind], 0)

/** For people: milliseconds of CPU for 1,000 results. */
export const cpuText = (cpu: CpuSeconds, results: number): string =>
  kinds.map(kind => `${kind} ${((cpu[kind] * 1e6) / results).toFixed(0)}`).join(', ')

/** Resident kibibytes of a process. */
export const residentKiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN)

import type { Job, PhaseSpan, System } from '@re-ops/protocols'
import type { Paint } from './paint.ts'
import { duration } from './units.ts'

/** Phases that a system stays in; how long it has been there says nothing about how long things take. */
const resting = new Set(['ready', 'stopped', 'gone', 'failed', 'lost'])

/** `requested 80 ms · booting 5.1 s · enrolled 0.7 s · ready after 9.1 s` */
export const phasesText = (
  spans: readonly PhaseSpan[],
  end: { phase: string; afterMs: number | null },
  paint: Paint,
): string => {
  const passed = spans.filter(span => span.ms !== null && !resting.has(span.name) && span.ms > 0)
  const last = `${end.phase}${end.afterMs === null ? '' : ` after ${duration(end.afterMs)}`}`
  const colour = end.phase === 'failed' || end.phase === 'uncertain' || end.phase === 'lost' ? paint.bad : paint.good
  return [...passed.map(span => `${span.name} ${duration(span.ms ?? 0)}`), colour(last)].join(' · ')
}

/** `203.0.113.7 · 10.0.0.5`: the one to reach it by first; what only its agent has seen, and is inside, says so. */
export const addressText = ({ address, addresses }: System): string | null => {
  const others = addresses.filter(one => one.address !== address)
  const shown = others.map(one => (one.scope === 'inside' ? `${one.address} (inside)` : one.address))
  return [...(address === null ? [] : [address]), ...shown].join(' · ') || null
}

/** The phases since a moment: those of one job, not of the system's whole life. */
export const phasesSince = (spans: readonly PhaseSpan[], time: string): PhaseSpan[] =>
  spans.filter(span => Date.parse(span.at) >= Date.parse(time))

export const systemEndText = (system: System, job: Job | undefined, paint: Paint): string => {
  const all = job === undefined || job.verb === 'create'
  const spans = job?.phases.length ? job.phases : all ? system.phases : phasesSince(system.phases, job.createdAt)
  const endedMs = job?.finishedAt ? Date.parse(job.finishedAt) - Date.parse(job.createdAt) : system.readyAfterMs
  const phase = job && job.state !== 'done' ? job.state : system.phase
  const why =
    job?.state === 'failed' || job?.state === 'uncertain' || system.phase === 'failed'
      ? (job?.error ?? system.reason)
      : null
  return (
    phasesText(spans, { phase, afterMs: endedMs }, paint) + (why ? `\n    ${paint.bad(why.split('\n')[0] ?? '')}` : '')
  )
}

/** `web-1  create queued  8f88…`: what was asked, as `jobs show` takes it. */
export const jobLine = ({ id, name, verb, state }: Job): string => `${name}  ${verb} ${state}  ${id}\n`

/** `ready 2 · failed 1`. */
export const phaseCounts = (phases: readonly string[]): string => {
  const counts = new Map<string, number>()
  for (const phase of phases) counts.set(phase, (counts.get(phase) ?? 0) + 1)
  return [...counts].map(([phase, n]) => `${phase} ${n}`).join(' · ')
}

/** While waiting: `booting 2 · ready 1 of 3`. */
export const systemsProgress = (phases: readonly string[], done: number): string =>
  `  ${phaseCounts(phases)} · ${done} of ${phases.length} done`

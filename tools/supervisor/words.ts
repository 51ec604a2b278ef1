import type { System } from '@re-ops/protocols'

const labelWidth = 14

/** One line of the start: what it is about, then the parts that are known. */
export const line = (label: string, ...parts: readonly (string | null)[]): string =>
  `  ${label.padEnd(labelWidth)}  ${parts.filter(part => part !== null && part !== '').join(' · ')}`

/** `3 ms`, `0.8 s`, `31 s`. */
export const duration = (ms: number): string =>
  ms < 100 ? `${Math.round(ms)} ms` : ms < 9_950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`

/** `demo-1..3`, `web-1, db`: names that only differ in a number that counts up are one. */
export const namesText = (names: readonly string[]): string => {
  const runs: { stem: string; first: number; last: number; name: string }[] = []
  for (const name of names.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))) {
    const match = /^(.*?)(\d{1,9})$/.exec(name)
    const [stem, number] = match ? [match[1] ?? '', Number(match[2])] : [name, Number.NaN]
    const before = runs.at(-1)
    if (before && before.stem === stem && before.last + 1 === number) before.last = number
    else runs.push({ stem, first: number, last: number, name })
  }
  return runs.map(one => (one.last > one.first ? `${one.name}..${one.last}` : one.name)).join(', ')
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN

/** How long the phases of systems lasted, the median of each, in their order, and when they were ready. */
export const phasesText = (systems: readonly System[]): string => {
  const names = [...new Set(systems.flatMap(system => system.phases.map(span => span.name)))].filter(
    name => !['ready', 'planned'].includes(name),
  )
  const spans = names.flatMap(name => {
    const ms = systems.flatMap(system => system.phases.flatMap(span => (span.name === name ? (span.ms ?? []) : [])))
    return ms.length > 0 ? [`${name} ${duration(median(ms))}`] : []
  })
  const ready = systems.flatMap(system => system.readyAfterMs ?? [])
  return [...spans, ...(ready.length > 0 ? [`ready after ${duration(median(ready))}`] : [])].join(' · ')
}

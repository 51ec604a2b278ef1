import type { Failure, HostResult, RunRollout, RunStop } from '@re-ops/protocols'
import type { Missing } from '@re-ops/protocols/target'
import { byNumber, hostsText } from './nodeset.ts'
import { harmless, type Paint } from './paint.ts'
import { table } from './table.ts'
import { count, seconds } from './units.ts'
import { isFlat, valueText } from './value.ts'

/** What the catalogue says about showing an operation's values; programs do not need it. */
export type Display = {
  readonly rows?: (value: unknown) => readonly unknown[]
  readonly columns: readonly { readonly title: string; get(row: unknown): string }[]
}
/** As @re-ops/pipelines folds: hosts with the same result. */
export type Group =
  | { readonly ok: true; readonly results: readonly { host: { name: string }; value: unknown }[] }
  | { readonly ok: false; readonly failure: Failure; readonly results: readonly { host: { name: string } }[] }

export type Look = { readonly paint: Paint; readonly width: number | null }

const namesOf = (group: Group) => group.results.map(result => result.host.name)
const firstValue = (group: Group): unknown => (group.ok ? group.results[0]?.value : undefined)

/** An outcome for people: failures first, then the values, identical ones once with all their hosts. */
export const outcomeText = (groups: readonly Group[], display: Display | undefined, look: Look): string => {
  const failed = groups.filter(group => !group.ok)
  const ok = groups.filter(group => group.ok)
  return failed.map(group => failureText(group, look)).join('') + valuesText(ok, display, look)
}

const failureText = (group: Group & { ok: false }, look: Look): string => {
  const { kind, message, step, stderrTail, stillRunning, started } = group.failure
  const notes = [
    ...(stillRunning ? ['still running there'] : []),
    ...(kind === 'lost' && started !== undefined ? [`started: ${started}`] : []),
  ].map(note => ` (${note})`)
  const what = message.startsWith(kind) || message === '' ? message || kind : `${kind}: ${message}`
  const head = `${hostsText(namesOf(group))}  ${harmless(what).replaceAll('\n', ' ')}${notes.join('')}`
  const tail = stderrTail === undefined || message.includes(stderrTail.trim()) ? '' : stderrTail.trimEnd()
  const where = step.includes(':') ? look.paint.dim(`  at step ${step}`) : ''
  const lines =
    tail === '' ? '' : indented(harmless(tail).split('\n').slice(-stderrLinesMax).join('\n'), look.paint.dim)
  return `${look.paint.bad(head)}${where}\n${lines}`
}
const stderrLinesMax = 5

const indented = (text: string, colour: (text: string) => string = same) =>
  text
    .split('\n')
    .map(line => `  ${colour(line)}\n`)
    .join('')
const same = (text: string) => text

const valuesText = (groups: readonly Group[], display: Display | undefined, look: Look): string => {
  const values = groups.map(firstValue)
  if (groups.length === 0) return ''
  if (values.every(isShellResult)) return shellText(groups, look)
  if (display?.rows) return groups.map(group => blockText(group, display, look)).join('')
  if (display) return columnsText(groups, display, look)
  if (values.every(isFlat)) return columnsText(groups, { columns: flatColumns(values) }, look)
  const value = { title: 'VALUE', get: (one: unknown) => valueText(one) }
  return columnsText(groups, { columns: [value] }, look)
}

const flatColumns = (values: readonly Record<string, unknown>[]) =>
  [...new Set(values.flatMap(value => Object.keys(value)))].map(name => ({
    title: name.toUpperCase(),
    get: (value: unknown) => valueText((value as Record<string, unknown>)[name], name),
  }))

/** One line for each group; cells in which its hosts differ are shown as a span, from the lowest to the highest. */
const columnsText = (groups: readonly Group[], display: Display, look: Look): string =>
  table(
    ['HOST', ...display.columns.map(column => column.title)],
    groups.map(group => [
      withCount(namesOf(group)),
      ...display.columns.map(column => span(valuesOf(group).map(value => harmless(cell(column, value))))),
    ]),
    look,
  )

const valuesOf = (group: Group): readonly unknown[] => (group.ok ? group.results.map(result => result.value) : [])
const withCount = (names: readonly string[]) =>
  names.length > 1 ? `${hostsText(names)} (${names.length})` : (names[0] ?? '')

/** A column that cannot read a value (another version's, say) shows a question mark, not nothing at all. */
const cell = (column: Display['columns'][number], value: unknown): string => {
  try {
    return column.get(value)
  } catch {
    return '?'
  }
}
const span = (cells: readonly string[]): string => {
  const distinct = [...new Set(cells)].sort(byNumber)
  return distinct.length <= 1 ? (distinct[0] ?? '') : `${distinct[0]} .. ${distinct.at(-1)}`
}

/** A value that is a list of things (mounts, processes): its hosts, then a table of its own. */
const blockText = (group: Group, display: Display, look: Look): string => {
  const lists = valuesOf(group).map(value => display.rows?.(value) ?? [])
  const rows = (lists[0] ?? []).map((_, at) =>
    display.columns.map(column => span(lists.filter(list => at in list).map(list => harmless(cell(column, list[at]))))),
  )
  const titles = display.columns.map(column => column.title)
  const body =
    rows.length === 0 ? '(none)' : table(titles, rows, { ...look, width: look.width && look.width - 2 }).trimEnd()
  return `${look.paint.bold(withCount(namesOf(group)))}\n${indented(body)}`
}

type ShellValue = { stdout: string; stderr: string; code: number; truncated: boolean; outputRef?: string }
const isShellResult = (value: unknown): value is ShellValue =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as ShellValue).stdout === 'string' &&
  typeof (value as ShellValue).code === 'number'

const cutText = ({ outputRef }: ShellValue) =>
  outputRef === undefined
    ? '(cut: the output is longer than the limit)'
    : '(cut: reops output <run> <host> reads all of it)'

const shellOutput = (value: ShellValue): string => {
  const text = harmless(value.stdout.trimEnd() || value.stderr.trimEnd())
  const code = value.code === 0 ? '' : `(exit code ${value.code})`
  return [text, code, value.truncated ? cutText(value) : ''].filter(Boolean).join('\n')
}

/** Output of commands: beside the host while all are single lines, else as text under it. */
const shellText = (groups: readonly Group[], look: Look): string => {
  const blocks = groups.map(group => ({
    hosts: withCount(namesOf(group)),
    text: shellOutput(firstValue(group) as ShellValue),
  }))
  if (blocks.every(({ text }) => !text.includes('\n')))
    return table(
      ['HOST', 'OUTPUT'],
      blocks.map(({ hosts, text }) => [hosts, text || '-']),
      { ...look, width: null },
    )
  return blocks.map(({ hosts, text }) => `${look.paint.bold(hosts)}\n${indented(text || '-')}`).join('')
}

/** `expected 44 · ok 43 · failed 1 · 0.4 s` */
export const summaryText = (
  summary: { expected: number; ok: number; failed: number; failures: Readonly<Record<string, number>> },
  ms: number,
  paint: Paint,
): string => {
  const kinds = Object.entries(summary.failures).map(([kind, n]) => `${kind} ${n}`)
  const failed = `failed ${summary.failed}${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}`
  return [
    `expected ${summary.expected}`,
    `ok ${summary.ok}`,
    ...(summary.failed > 0 ? [paint.bad(failed)] : []),
    seconds(ms),
  ].join(' · ')
}

const reasonsMax = 5

/** `got 42 of 44, missing: web-[3-4] (unreachable: the host has no session)`; nothing when every host has answered. */
export const missingText = (missing: readonly Missing[], expected: number, paint: Paint): string => {
  if (missing.length === 0) return ''
  const reasons = [...Map.groupBy(missing, ({ state, why }) => (why.startsWith(state) ? why : `${state}: ${why}`))]
  const parts = reasons
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([why, those]) => `${hostsText(those.map(one => one.host.name))} (${harmless(why).replaceAll('\n', ' ')})`)
  const more = parts.length > reasonsMax ? `, … (${parts.length} reasons)` : ''
  return paint.bad(
    `got ${expected - missing.length} of ${expected}, missing: ${parts.slice(0, reasonsMax).join(', ')}${more}\n`,
  )
}

/** While waiting: `12 of 44 · failed 1 · 3.2 s`, and of a run with turns `· batch 1 of 3 · 7 at work · 20 held, waiting for ...`. */
export const progressText = (
  results: readonly HostResult<unknown>[],
  expected: number,
  ms: number,
  rollout?: RunRollout,
): string => {
  const failed = results.filter(result => !result.ok).length
  const turns = rollout ? ` · ${turnsText(rollout)}` : ''
  return `  ${results.length} of ${count(expected, 'host')}${failed > 0 ? ` · failed ${failed}` : ''} · ${seconds(ms)}${turns}`
}

/** `batch 1 of 3 · 7 at work · 20 held: waits for 7 of 20 hosts of batch 1 of 3 to end` */
export const turnsText = ({ stage, batch, running, held, waitsFor, paused }: RunRollout): string => {
  const where = stage === 'canary' ? ['canaries'] : batch ? [`batch ${batch.at} of ${batch.of}`] : []
  const why = waitsFor === null ? '' : `: ${paused ? waitsFor : `waits for ${waitsFor}`}`
  return [...where, `${running} at work`, ...(held > 0 ? [`${held} held${why}`] : [])].join(' · ')
}

/** Why hosts were left out, and whether anything was done at all. */
export const runNotes = (
  run: { readonly stopped?: RunStop | undefined; readonly dryRun?: boolean },
  paint: Paint,
): string => {
  const { stopped, dryRun } = run
  const others = stopped?.cancelRunning === true ? ', hosts at work were cancelled' : ''
  const stop = stopped ? paint.bad(`stopped: ${harmless(stopped.reason)}${others}\n`) : ''
  return `${dryRun === true ? 'dry run: nothing was changed\n' : ''}${stop}`
}

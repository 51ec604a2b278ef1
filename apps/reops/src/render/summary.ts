import type { AggregateReport, Bucket, FieldSummary, GroupedReport, Ranked, Shown } from '@re-ops/pipelines'
import { harmless, type Paint } from './paint.ts'
import { table } from './table.ts'
import { valueText } from './value.ts'

type Look = { readonly paint: Paint; readonly width: number | null }
type Fields = Readonly<Record<string, FieldSummary>>

const listedMax = 8

/** Results taken together: one line a field; the functions that give one number are columns, the others stand in the last. */
export const summaryReport = (report: AggregateReport, look: Look): string => {
  const names = numberColumns([report.fields])
  const rows = Object.entries(report.fields).map(([path, functions]) => [
    path,
    ...names.map(name => numberText(functions[name], path)),
    listsText(functions, path),
  ])
  return rows.length === 0 ? '' : table(['FIELD', ...names.map(name => name.toUpperCase()), 'VALUES'], rows, look)
}

/** One line a group; fields side by side. */
export const groupsReport = (report: GroupedReport, look: Look): string => {
  const all = [...report.groups.map(one => one.fields), ...(report.others ? [report.others.fields] : [])]
  const columns = [...new Set(all.flatMap(fields => Object.keys(fields)))].flatMap(path =>
    [...new Set(all.flatMap(fields => Object.keys(fields[path] ?? {})))].map(name => ({ path, name })),
  )
  const cells = (fields: Fields) =>
    columns.map(({ path, name }) => {
      const shown = fields[path]?.[name]
      return isNumber(shown) ? numberText(shown, path) : listText(shown, path)
    })
  const rows = report.groups.map(({ key, ok, fields }) => [harmless(key), String(ok), ...cells(fields)])
  if (report.others) rows.push(['(others)', String(report.others.ok), ...cells(report.others.fields)])
  const titles = [report.by.toUpperCase(), 'HOSTS', ...columns.map(({ path, name }) => `${name} ${path}`)]
  return rows.length === 0 ? '' : table(titles, rows, look)
}

const isNumber = (shown: Shown | undefined): shown is number | null => typeof shown === 'number' || shown === null
const numberColumns = (all: readonly Fields[]): string[] => [
  ...new Set(
    all.flatMap(fields =>
      Object.values(fields).flatMap(functions => Object.keys(functions).filter(name => isNumber(functions[name]))),
    ),
  ),
]

/** A number of a field whose name says bytes is written as such, unless it is a count. */
const numberText = (shown: Shown | undefined, path: string): string =>
  shown === undefined ? '' : valueText(shown, path)

const listsText = (functions: FieldSummary, path: string): string =>
  Object.values(functions).filter(one => !isNumber(one)).map(one => listText(one, path)).join('; ') // prettier-ignore

const listText = (shown: Shown | undefined, path: string): string => {
  if (shown === undefined || isNumber(shown)) return ''
  if (!Array.isArray(shown)) {
    const counts = Object.entries(shown as Record<string, number>).toSorted(([, a], [, b]) => b - a)
    return short(counts.map(([value, count]) => `${harmless(value)} ×${count}`))
  }
  const list = shown as readonly (Bucket | Ranked)[]
  return short(list.map(one => ('host' in one ? rankedText(one, path) : bucketText(one, path))))
}
const short = (parts: readonly string[]) =>
  parts.length <= listedMax ? parts.join(', ') : `${parts.slice(0, listedMax).join(', ')}, … (${parts.length})`
const rankedText = ({ host, value }: Ranked, path: string) => `${host.name} ${valueText(value, path)}`
const bucketText = ({ from, to, count }: Bucket, path: string) =>
  `${from === null ? '' : valueText(from, path)}..${to === null ? '' : valueText(to, path)} ×${count}`

/** The one form of every benchmark, chaos run and conformance run: measures against aims, one line of JSON for programs. */
export type Aim = { readonly atMost: number } | { readonly atLeast: number }
export type Report = {
  readonly name: string
  readonly measures: Readonly<Record<string, number>>
  readonly aims: Readonly<Record<string, Aim>>
}

const meets = (value: number | undefined, aim: Aim): boolean =>
  value !== undefined && Number.isFinite(value) && ('atMost' in aim ? value <= aim.atMost : value >= aim.atLeast)

/** Every aim needs its measure: a figure that was not taken does not hold. */
export const holds = ({ measures, aims }: Report): boolean =>
  Object.entries(aims).every(([key, aim]) => meets(measures[key], aim))

/** The last line that programs read. */
export const reportLine = (report: Report): string =>
  JSON.stringify({ name: report.name, measures: report.measures, aims: report.aims, holds: holds(report) })

const aimText = (aim: Aim) => ('atMost' in aim ? `at most ${aim.atMost}` : `at least ${aim.atLeast}`)

/** The same for people: one row a measure, with its aim where it has one. */
export const reportTable = (report: Report): string => {
  const { measures, aims } = report
  const keys = [...new Set([...Object.keys(measures), ...Object.keys(aims)])]
  const width = Math.max(...keys.map(key => key.length))
  const rows = keys.map(key => {
    const [value, aim] = [measures[key], aims[key]]
    const verdict = aim ? `${meets(value, aim) ? 'ok  ' : 'MISS'} (${aimText(aim)})` : ''
    return `  ${key.padEnd(width)}  ${String(value ?? 'not measured').padStart(12)}  ${verdict}`.trimEnd()
  })
  return [`${report.name}: ${holds(report) ? 'every aim holds' : 'falls short'}`, ...rows].join('\n')
}

/** Rounded for reading: three significant figures are more than a shared machine can promise. */
export const rounded = (value: number): number => Number(value.toPrecision(4))

export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The q-quantile (0..1) by nearest rank; NaN of nothing. */
export const quantile = (values: readonly number[], q: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN
}

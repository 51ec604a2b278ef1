import type { Paint } from './paint.ts'

const gap = '  '

/** Columns under their titles, as wide as they must be; with `width`, the widest are cut to fit into it. */
export const table = (
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  look: {
    readonly paint: Paint
    readonly width: number | null
    /** Titles of columns that are never cut: what people copy from them must be whole. */
    readonly whole?: readonly string[]
    readonly colour?: (row: number) => (text: string) => string
  },
): string => {
  const kept = titles.map((_, column) => column).filter(column => rows.some(row => (row[column] ?? '') !== ''))
  const cells = rows.map(row => kept.map(column => oneLine(row[column] ?? '')))
  const heads = kept.map(column => titles[column] as string)
  const widths = heads.map((head, column) => Math.max(head.length, ...cells.map(row => (row[column] as string).length)))
  const whole = new Set((look.whole ?? []).map(title => heads.indexOf(title)))
  shrink(widths, look.width, whole)
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => fit(cell, widths[column] as number))
      .join(gap)
      .trimEnd()
  const body = cells.map((row, at) => (look.colour?.(at) ?? ((text: string) => text))(line(row)))
  return [look.paint.dim(line(heads)), ...body].map(text => `${text}\n`).join('')
}

const oneLine = (text: string) => text.replace(/\s*\n\s*/g, ' ⏎ ')
const fit = (cell: string, width: number) =>
  cell.length > width ? `${cell.slice(0, Math.max(0, width - 1))}…` : cell.padEnd(width)

const columnWidthMin = 12
/** The first column names the row: it is cut last. */
const shrink = (widths: number[], width: number | null, whole: ReadonlySet<number>): void => {
  if (width === null) return
  const total = () => widths.reduce((sum, one) => sum + one + gap.length, -gap.length)
  const rest = widths.map((_, at) => at).filter(at => at > 0 && !whole.has(at))
  const wide = (at: number) => widths[at] as number
  for (let excess = total() - width; excess > 0; excess = total() - width) {
    const [first = 0] = rest.toSorted((a, b) => wide(b) - wide(a))
    const widest = wide(first) > columnWidthMin ? first : 0
    const now = wide(widest)
    if (now <= columnWidthMin) return
    const others = rest.filter(at => at !== widest && wide(at) < now).map(wide)
    const floor = Math.max(columnWidthMin, widest === 0 ? 0 : Math.max(0, ...others))
    widths[widest] = Math.min(now - 1, Math.max(now - excess, floor))
  }
}

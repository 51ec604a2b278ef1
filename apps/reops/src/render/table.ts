import type { Paint } from './paint.ts'

const gap = '  '

/** Columns under their titles, as wide as they must be; with `width`, the widest are cut to fit into it. */
export const table = (
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  look: {
    readonly paint: Paint
    readonly width: number | null
    readonly colour?: (row: number) => (text: string) => string
  },
): string => {
  const kept = titles.map((_, column) => column).filter(column => rows.some(row => (row[column] ?? '') !== ''))
  const cells = rows.map(row => kept.map(column => oneLine(row[column] ?? '')))
  const heads = kept.map(column => titles[column] as string)
  const widths = heads.map((head, column) => Math.max(head.length, ...cells.map(row => (row[column] as string).length)))
  shrink(widths, look.width)
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
const shrink = (widths: number[], width: number | null): void => {
  if (width === null) return
  const total = () => widths.reduce((sum, one) => sum + one + gap.length, -gap.length)
  for (let excess = total() - width; excess > 0; excess = total() - width) {
    const rest = widths.slice(1)
    const widest = Math.max(0, ...rest) > columnWidthMin ? rest.indexOf(Math.max(...rest)) + 1 : 0
    const now = widths[widest] as number
    if (now <= columnWidthMin) return
    const others = widths.filter((one, at) => at !== widest && at > 0 && one < now)
    const floor = Math.max(columnWidthMin, widest === 0 ? 0 : Math.max(0, ...others))
    widths[widest] = Math.min(now - 1, Math.max(now - excess, floor))
  }
}

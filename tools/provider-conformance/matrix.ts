/** One cell of the matrix; `none`: the table asks for it and no test shows it. */
export type Cell = 'pass' | 'fail' | 'none' | { readonly skip: string }
export type Cells = ReadonlyMap<number, ReadonlyMap<string, Cell>>

/** L local, F the stand-in for EC2, M another EC2 given by its address, D the stand-in for DigitalOcean, T libvirt's test driver, K QEMU. */
export const letters = ['L', 'F', 'M', 'D', 'T', 'K'] as const

/** The targets that each of the numbered cases asks for. */
export const wanted: readonly string[] = [
  'LFMDTK LFMDTK LF LFDTK LFD LFDTK LFDK LFDK LFMDTK LFMDTK',
  'LFDTK LFM LFDK LFDTK LFMDK LFMD LFMD LFMDT LFMD LFD',
  'LFMDTK LFMDTK LFD LFDTK LFD LFDTK LFD LFD LFD LFD',
  'LFDTK LFD LD LF LFDTK TK LFDT LF LFD LFMD LFMDTK LFDTK LFD K',
].flatMap(row => row.split(' '))

const word = (cell: Cell | undefined, notes: string[], n: number, letter: string): string => {
  if (cell === undefined) return '-'
  if (typeof cell === 'string') return cell
  notes.push(`${n} ${letter}: ${cell.skip}`)
  return 'skip'
}

/** The whole matrix as text: a row a case, then the reasons of what was left out. */
export const matrixText = (cells: Cells): string => {
  const notes: string[] = []
  const rows = wanted.map((_, at) => {
    const row = letters.map(letter => word(cells.get(at + 1)?.get(letter), notes, at + 1, letter).padEnd(5))
    return `${String(at + 1).padStart(4)}  ${row.join(' ')}`.trimEnd()
  })
  const head = `case  ${letters.map(letter => letter.padEnd(5)).join(' ')}`.trimEnd()
  return [head, ...rows, '', 'skipped because', ...notes.map(one => `  ${one}`)].join('\n')
}

/** Every cell that the table asks for, and all that was run beyond it. */
export const fill = (taken: Cells, absent: (letter: string) => string | null): Cells =>
  new Map(
    wanted.map((targets, at) => {
      const row = new Map<string, Cell>(taken.get(at + 1) ?? [])
      for (const letter of targets) {
        const why = absent(letter)
        if (!row.has(letter)) row.set(letter, why === null ? 'none' : { skip: why })
      }
      return [at + 1, row] as const
    }),
  )

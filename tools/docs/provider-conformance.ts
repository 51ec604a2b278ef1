import { readFile } from 'node:fs/promises'
import { caseNames } from '../provider-conformance/case-names.ts'
import { letters, wanted } from '../provider-conformance/matrix.ts'
import type { KeptCell } from '../provider-conformance/report.ts'
import { tableOf } from './markdown.ts'

type Kept = {
  readonly measures: Readonly<Record<string, number>>
  readonly m: string
  readonly cells: readonly KeptCell[]
}

const intro = `# Conformance of providers

Generated from the last kept result of \`npm run -s conformance:providers\` by \`npm run docs\`.

The numbered cases of the provider port, led for every target that each of them names: L, processes of this computer; F, the stand-in for EC2 behind the real SDK;
M, another server that speaks EC2, given by its address; D, the stand-in for DigitalOcean behind its official description; T, libvirt's test driver in a daemon of
its own; K, real QEMU. A cell that is empty is not asked for; one that is left out says why below.`

const word = (cell: KeptCell | undefined, isWanted: boolean): string => {
  if (cell === undefined) return isWanted ? 'not shown' : ''
  return cell.end === 'none' ? 'not shown' : cell.end
}

/** What came of each case for each target when they were run last. */
export const providerConformancePage = async (): Promise<string> => {
  const path = new URL('../provider-conformance/results/providers.json', import.meta.url)
  const { measures, m, cells } = JSON.parse(await readFile(path, 'utf8')) as Kept
  const { passed, skipped, missing, failed } = measures
  const cellOf = (n: number, letter: string) => cells.find(one => one.n === n && one.letter === letter)
  const rows = wanted.map((targets, at) => [
    String(at + 1),
    caseNames[at] ?? '',
    ...letters.map(letter => word(cellOf(at + 1, letter), targets.includes(letter))),
  ])
  const leftOut = cells.filter(one => one.why !== undefined).map(({ n, letter, why }) => `- ${n} ${letter}: ${why}`)
  return [
    intro,
    `${passed} cells pass, ${skipped} are left out, ${missing} are not shown, ${failed} fail. M is ${m}.`,
    tableOf(['', 'case', ...letters], rows),
    '## Left out',
    leftOut.length > 0 ? leftOut.join('\n') : 'None.',
  ].join('\n\n')
}

import { readFile } from 'node:fs/promises'
import { catalogue, operationNamed } from '@re-ops/operations'
import { recordedCases } from '../conformance/recorded.ts'
import type { Standing } from '../conformance/standing.ts'
import { tableOf } from './markdown.ts'

type Kept = {
  readonly measures: Readonly<Record<string, number>>
  readonly programs: Readonly<Record<string, string>>
  readonly standings: readonly Standing[]
}

const intro = `# Conformance

Generated from the last kept result of \`npm run -s conformance\` by \`npm run docs\`.

Every operation is done over both transports on one and the same machine: over ZeroMQ by a real agent, over SSH by a real sshd. What they answer is
compared: stable fields must be equal, volatile ones within their tolerance (see the operation), failures alike in kind, exit code and words. The machine is
real in all but its kernel: Debian 12, with its own processes, mounts, users, network and systemd, and is thrown away afterwards.

An operation whose program is not to be had there needs at least three cases recorded from real programs, each with the program's version and its source, one of
them an error.`

/** How each operation stood when conformance was run last; one that came since then says so. */
export const conformancePage = async (): Promise<string> => {
  const path = new URL('../conformance/results/conformance.json', import.meta.url)
  const { programs, standings } = JSON.parse(await readFile(path, 'utf8')) as Kept
  const byName = new Map(standings.map(one => [one.operation, one]))
  const recorded = recordedCases()
  const known = catalogue.map(({ name }) => byName.get(name))
  const live = known.filter(one => one?.live).length
  const summary = `${catalogue.length} operations, ${live} of them live over both; ${known.filter(one => one?.end === 'differs' || one?.end === 'failed').length} differ or fail.`
  const rows = catalogue.map(({ name }) => rowOf(name, byName.get(name), (recorded.get(name) ?? []).length))
  const versions = Object.entries(programs).map(([program, version]) => [`\`${program}\``, version])
  return [
    intro,
    summary,
    tableOf(['operation', 'zmq', 'ssh', 'compared live', 'errors among them', 'recorded cases'], rows),
    '## Programs',
    'Debian packages that the examples used.',
    tableOf(['package', 'version'], versions),
  ].join('\n\n')
}

const rowOf = (name: string, standing: Standing | undefined, recorded: number): string[] => {
  const end = standing?.end ?? 'not run yet'
  const isNative = operationNamed(name)?.native ? `${end} (native)` : end
  return [
    `\`${name}\``,
    isNative,
    end,
    String(standing?.examples ?? 0),
    String(standing?.errors ?? 0),
    String(recorded),
  ]
}

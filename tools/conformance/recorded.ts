import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** What conformance reads of a recorded case (libs/operations/src/cases). */
export type RecordedCase = {
  readonly name: string
  readonly operation: string
  readonly program?: string
  readonly source?: string
  readonly failure?: unknown
}

const folder = join(import.meta.dirname, '../../libs/operations/src/cases')

export const recordedCases = (): ReadonlyMap<string, readonly RecordedCase[]> => {
  const all = readdirSync(folder).flatMap(
    file => JSON.parse(readFileSync(join(folder, file), 'utf8')) as RecordedCase[],
  )
  return Map.groupBy(all, one => one.operation)
}

export const recordedMin = 3

/** Why the recorded cases of an operation that does not run live are not enough, or null. */
export const recordedShortcoming = (cases: readonly RecordedCase[]): string | null => {
  const named = cases.filter(one => /\d/.test(one.program ?? '') && one.source !== undefined)
  if (named.length < recordedMin)
    return `${named.length} of ${cases.length} recorded cases name their program, its version and their source; ${recordedMin} must`
  return named.some(one => one.failure !== undefined) ? null : 'none of its recorded cases is an error'
}

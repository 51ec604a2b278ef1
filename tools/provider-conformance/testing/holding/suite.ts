import { afterAll, beforeAll, describe, test } from '@jest/globals'
import { driftCases } from './drift-cases.ts'
import type { Hand } from './hand.ts'
import { importCases } from './import-cases.ts'
import { lifeCases } from './life-cases.ts'
import { openStage, type Stage } from './stage.ts'

/**
 * Imported machines and drift, with re-core's own worker against a cloud in somebody else's hands. `ns`: of the numbered
 * cases only these, where another test shows the rest.
 */
export const describeHolding = (
  title: string,
  open: () => Promise<Hand>,
  ns: readonly number[] = [21, 22, 34],
): void => {
  let stage: Stage
  const when = (n: number) => (ns.includes(n) ? test : test.skip)

  describe(title, () => {
    beforeAll(async () => void (stage = await openStage(open)), 180_000)
    afterAll(() => stage?.stop())
    for (const cases of [importCases, driftCases, lifeCases]) cases(() => stage, when)
  })
}

import { afterAll, afterEach, describe, test } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { identityOf } from '@re-ops/re-core/testing'
import { cases } from './cases.ts'
import type { Subject, Target } from './subject.ts'
import { makeVerdicts } from './verdicts.ts'

const why = (subject: Subject, needs: string | null, n: number): string | null => subject.skips?.[n] ?? needs

/** The numbered cases of the provider port, one test each, every one on a target of its own. Prints its row of the matrix. */
export const describeProvider = (subject: Subject): void => {
  const verdicts = makeVerdicts(subject.letter, 'provider')
  let target: Target | null = null
  describe(`provider target ${subject.letter}`, () => {
    for (const { n, title, needs, run } of cases) {
      const skip = why(subject, needs?.(subject) ?? null, n)
      if (skip !== null) {
        verdicts.skip(n, skip)
        test.skip(`${n}: ${title}`, () => {})
        continue
      }
      test(`${n}: ${title}`, async () => {
        const verdict = verdicts.begin([n])
        const [installation, vmId] = [newId(), newId()]
        target = await subject.start()
        await run(target, subject, (generation = 1) => identityOf(installation, vmId, generation, 0))
        verdict.passed()
      })
    }
    afterEach(async () => {
      await target?.stop()
      target = null
    })
    afterAll(verdicts.tell)
  })
}

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, test } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { identityOf } from '@re-ops/re-core/testing'
import { cases } from './cases.ts'
import type { Subject, Target } from './subject.ts'

type Verdict = 'pass' | 'fail' | { readonly skip: string }

const why = (subject: Subject, needs: string | null, n: number): string | null => subject.skips?.[n] ?? needs

const line = (letter: string, verdicts: ReadonlyMap<number, Verdict>): string => {
  const cells = [...verdicts].map(
    ([n, verdict]) => `${n} ${typeof verdict === 'string' ? verdict : `skip (${verdict.skip})`}`,
  )
  return `conformance ${letter}: ${cells.join(', ')}\n`
}

/** The numbered cases of the provider port, one test each, every one on a target of its own. Prints its row of the matrix. */
export const describeProvider = (subject: Subject): void => {
  const verdicts = new Map<number, Verdict>()
  let target: Target | null = null
  describe(`provider target ${subject.letter}`, () => {
    for (const { n, title, needs, run } of cases) {
      const skip = why(subject, needs?.(subject) ?? null, n)
      if (skip !== null) {
        verdicts.set(n, { skip })
        test.skip(`${n}: ${title}`, () => {})
        continue
      }
      test(`${n}: ${title}`, async () => {
        verdicts.set(n, 'fail')
        const [installation, vmId] = [newId(), newId()]
        target = await subject.start()
        await run(target, subject, (generation = 1) => identityOf(installation, vmId, generation, 0))
        verdicts.set(n, 'pass')
      })
    }
    afterEach(async () => {
      await target?.stop()
      target = null
    })
    afterAll(() => {
      process.stdout.write(line(subject.letter, verdicts))
      const folder = process.env['REOPS_MATRIX']
      if (folder !== undefined) writeFileSync(join(folder, `${subject.letter}.json`), JSON.stringify([...verdicts]))
    })
  })
}

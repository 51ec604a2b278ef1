import { afterAll, afterEach, describe, test } from '@jest/globals'
import { testDatabase } from '@re-ops/re-core/testing'
import { makeVerdicts } from '../verdicts.ts'
import type { Life } from './life.ts'
import { startOwnPostgres, type OwnPostgres } from './own-postgres.ts'

/** One test about rows, jobs and machines; of the numbered cases it shows these. */
export type LifeCase = {
  readonly ns: readonly number[]
  /** Where it is led. */
  readonly letters: string
  readonly title: string
  /** Where it cannot be led, and why. */
  readonly skips?: Readonly<Record<string, string>>
  readonly limitMs?: number
  /** On a Postgres of its own, which it may kill. */
  readonly ownPostgres?: true
  readonly run: (life: Life, postgres: OwnPostgres | null) => Promise<void>
}

/** The cases for one target, each on a database and machines of its own. */
export const describeLives = (
  letter: string,
  part: string,
  all: readonly LifeCase[],
  open: (url: string) => Promise<Life>,
): void => {
  const verdicts = makeVerdicts(letter, part)
  const database = testDatabase()
  let life: Life | null = null
  let postgres: OwnPostgres | null = null
  for (const { ns, skips } of all)
    for (const n of ns) if (skips?.[letter] !== undefined) verdicts.skip(n, skips[letter])
  describe(`lives on ${letter}`, () => {
    for (const { ns, title, ownPostgres, limitMs, run } of all.filter(({ letters }) => letters.includes(letter)))
      test(
        `${ns.join(', ')}: ${title}`,
        async () => {
          const verdict = verdicts.begin(ns)
          postgres = ownPostgres === true ? await startOwnPostgres() : null
          life = await open(postgres?.url ?? (await (await database).fresh()))
          await run(life, postgres)
          verdict.passed()
        },
        limitMs,
      )
    afterEach(async () => {
      await life?.stop()
      await postgres?.stop()
      ;[life, postgres] = [null, null]
    })
    afterAll(async () => {
      await (await database).stop()
      verdicts.tell()
    })
  })
}

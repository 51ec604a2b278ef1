import { expect, test } from '@jest/globals'
import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { derivedId, newId, type Id } from '@re-ops/protocols'
import fc from 'fast-check'
import { openJournal, type Journal } from './journal.ts'
import { temporaryFolder } from './testing/process.ts'

const namespace = newId()
const idOf = (n: number): Id => derivedId(namespace, n)

type Step = { do: 'start' | 'end' | 'settled' | 'void' | 'lost' | 'reopen' | 'torn'; n: number }
const steps = fc.array(
  fc.record({
    do: fc.constantFrom('start', 'start', 'end', 'settled', 'void', 'lost', 'reopen', 'torn'),
    n: fc.nat({ max: 30 }),
  }) as fc.Arbitrary<Step>,
  { minLength: 1, maxLength: 400 },
)

/** What must be known of each id, by the plainest rules. */
const expected = (model: Map<Id, string>, { do: verb, n }: Step): void => {
  const id = idOf(n)
  if (verb === 'start') model.set(id, 'open')
  if (verb === 'settled' || verb === 'void') model.set(id, verb)
  if ((verb === 'end' || verb === 'lost') && model.get(id) === 'open') model.set(id, 'ended')
}
const write = (journal: Journal, { do: verb, n }: Step): void => {
  const id = idOf(n)
  if (verb === 'start') journal.append({ t: 'start', id, op: 'shell', at: 1 })
  else if (verb === 'end') journal.append({ t: 'end', id, state: 'ok' })
  else if (verb === 'settled' || verb === 'void' || verb === 'lost') journal.append({ t: verb, id })
}

test('through restarts, torn last lines and compaction the journal knows every id, and its counter only rises', () => {
  fc.assert(
    fc.property(steps, list => {
      const folder = temporaryFolder()
      const open = () => openJournal({ folder: folder.path, segmentBytesMax: 700, keep: true })
      const model = new Map<Id, string>()
      let journal = open()
      let counter = 0
      try {
        for (const step of list) {
          if (step.do === 'reopen' || step.do === 'torn') {
            journal.close()
            const newest = readdirSync(folder.path).sort().at(-1) ?? ''
            if (step.do === 'torn') appendFileSync(join(folder.path, newest), '{"t":"start","id":"0193')
            journal = open()
            expect(journal.damaged).toBe(0)
          } else {
            write(journal, step)
            expected(model, step)
          }
          expect(journal.counter()).toBeGreaterThanOrEqual(counter)
          counter = journal.counter()
        }
        for (const [id, state] of model) expect(journal.of(id)?.state).toBe(state)
        expect(new Set(journal.unsettled().map(([id]) => id))).toEqual(
          new Set([...model].flatMap(([id, state]) => (state === 'open' || state === 'ended' ? [id] : []))),
        )
        expect(readdirSync(folder.path).length).toBeLessThan(12)
      } finally {
        journal.close()
        folder.remove()
      }
    }),
    { numRuns: 60 },
  )
})

test('callers at the same time share a sync, and each resolves only after its own line', async () => {
  const folder = temporaryFolder()
  const journal = openJournal({ folder: folder.path, segmentBytesMax: 1_000_000, keep: true })
  try {
    const waits = Array.from({ length: 200 }, () => {
      journal.append({ t: 'start', id: newId(), op: 'shell', at: 1 })
      return journal.synced()
    })
    await Promise.all(waits)
    expect(new Set(waits).size).toBeLessThan(5)
  } finally {
    journal.close()
    folder.remove()
  }
})

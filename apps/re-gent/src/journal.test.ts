import { expect, test } from '@jest/globals'
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
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

test('a lazy line goes to disk with the next one, by a flush or a sync, and is lost by a death before', async () => {
  const folder = temporaryFolder()
  const open = () => openJournal({ folder: folder.path, segmentBytesMax: 1_000_000, keep: true })
  const kinds = () =>
    readdirSync(folder.path)
      .flatMap(name => readFileSync(join(folder.path, name), 'utf8').trim().split('\n'))
      .map(line => (JSON.parse(line) as { t: string }).t)
  const [first, second] = [newId(), newId()]
  try {
    const journal = open()
    journal.append({ t: 'start', id: first, op: 'ping', at: 1 })
    journal.appendLazily({ t: 'end', id: first, state: 'ok' })
    expect([kinds(), journal.of(first)?.state]).toEqual([['counter', 'start'], 'ended'])
    journal.append({ t: 'start', id: second, op: 'ping', at: 1 })
    expect(kinds()).toEqual(['counter', 'start', 'end', 'start'])
    journal.appendLazily({ t: 'settled', id: first })
    await journal.synced()
    journal.appendLazily({ t: 'end', id: second, state: 'ok' })
    journal.flush()
    expect(kinds()).toEqual(['counter', 'start', 'end', 'start', 'settled', 'end'])
    journal.appendLazily({ t: 'settled', id: second })
    journal.close()
    expect(() => journal.append({ t: 'void', id: second })).toThrow('closed')
    const again = open()
    expect([again.of(first)?.state, again.of(second)?.state, again.damaged]).toEqual(['settled', 'ended', 0])
    again.close()
  } finally {
    folder.remove()
  }
})

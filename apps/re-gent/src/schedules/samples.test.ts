import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { newId, type Sample } from '@re-ops/protocols'
import { openSamples } from './samples.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reops-samples-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const [cpu, memory] = [newId(), newId()]
const sample = (schedule: string, value: unknown = 1) => ({ schedule, at: Date.now(), ms: 1, value })
const numbers = (batch: readonly Sample[]) => batch.map(one => [one.seq, one.n])

test('samples are numbered, kept over a death, and forgotten when they are taken', () => {
  const first = openSamples(folder)
  first.add(sample(cpu))
  first.add(sample(memory))
  first.add(sample(cpu))
  expect(numbers(first.next())).toEqual([[1, 1], [2, 1], [3, 2]]) // prettier-ignore
  first.taken(2)
  expect(numbers(first.next())).toEqual([[3, 2]])
  first.close()

  // That two were taken may be forgotten by a death: they come again, and are known by their numbers.
  const second = openSamples(folder)
  expect(second.series).toBe(first.series)
  expect(numbers(second.next()).at(-1)).toEqual([3, 2])
  second.add(sample(memory))
  expect(numbers(second.next()).at(-1)).toEqual([4, 2])
  second.taken(4)
  expect(second.waiting).toBe(0)
  second.close()
})

test('without room the oldest go, and the numbers tell how many', () => {
  const ring = openSamples(folder, 16_384)
  for (let n = 0; n < 400; n += 1) ring.add(sample(cpu, 'x'.repeat(100)))
  const [oldest] = ring.next()
  expect(ring.waiting).toBeLessThan(100)
  expect(oldest?.seq).toBe(400 - ring.waiting + 1)
  ring.close()

  const again = openSamples(folder, 16_384)
  expect(again.next()[0]?.seq).toBe(oldest?.seq)
  again.taken(400)
  again.add(sample(cpu))
  expect(numbers(again.next())).toEqual([[401, 401]])
  again.close()
})

test('random adds, batches, deaths: in order, none twice for who remembers the numbers, none lost while there is room', () => {
  let seed = 7
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
  const got: number[] = []
  let added = 0
  let ring = openSamples(folder)
  for (let step = 0; step < 2_000; step += 1) {
    const what = random(10)
    if (what < 6) {
      ring.add(sample(random(2) === 0 ? cpu : memory, step))
      added += 1
    } else if (what < 9) {
      const batch = ring.next()
      const fresh = batch.filter(one => one.seq > (got.at(-1) ?? 0))
      got.push(...fresh.map(one => one.seq))
      const last = batch.at(-1)
      if (last && random(4) > 0) ring.taken(last.seq)
    } else {
      ring.close()
      ring = openSamples(folder)
    }
  }
  for (let batch = ring.next(); batch.length > 0; batch = ring.next()) {
    got.push(...batch.filter(one => one.seq > (got.at(-1) ?? 0)).map(one => one.seq))
    ring.taken(batch.at(-1)?.seq ?? 0)
  }
  ring.close()
  expect(got).toEqual(Array.from({ length: added }, (_, n) => n + 1))
})

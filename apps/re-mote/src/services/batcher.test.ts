import { describe, expect, test } from '@jest/globals'
import { makeLog } from '@re-ops/service'
import fc from 'fast-check'
import { makeBatcher } from './batcher.ts'
import { roughBytes } from './rough-bytes.ts'

const log = makeLog({ service: 'test', level: 'silent' })

test('a batch ends at its bytes or its items, keeps the order and loses nothing; what waits is told and comes to nothing', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(50), { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 99 }),
      async (sizes, itemsMax, bytesMax) => {
        const batches: (readonly number[])[] = []
        const told: number[] = []
        const batcher = makeBatcher<number>({
          name: 'test',
          log,
          itemsMax,
          bytesMax,
          bytesOf: size => size,
          onBytes: bytes => told.push(bytes),
          newBatchId: () => '',
          flush: batch => {
            batches.push(batch)
            return Promise.resolve(() => undefined)
          },
          onRefused: () => undefined,
        })
        sizes.forEach(batcher.put)
        await batcher.drained()
        expect(batches.flat()).toEqual(sizes)
        for (const batch of batches) {
          expect(batch.length).toBeLessThanOrEqual(itemsMax)
          const withoutLast = batch.slice(0, -1).reduce((sum, size) => sum + size, 0)
          expect(withoutLast).toBeLessThan(bytesMax)
        }
        expect(told.at(-1) ?? 0).toBe(0)
      },
    ),
  ))

describe('gathering', () => {
  const hour = 3_600_000
  /** What is put after a batch of `first` items: the sizes of the batches that are written without waiting an hour. */
  const open = (gatherMs: number, bytesMax = Number.POSITIVE_INFINITY) => {
    const batches: number[] = []
    let written = Promise.withResolvers<void>()
    const batcher = makeBatcher<'plain' | 'urgent'>({
      name: 'test',
      log,
      itemsMax: 20,
      bytesMax,
      bytesOf: () => 1,
      gatherMs,
      isUrgent: item => item === 'urgent',
      newBatchId: () => '',
      flush: batch => {
        batches.push(batch.length)
        return Promise.resolve(() => {
          written.resolve()
          written = Promise.withResolvers()
        })
      },
      onRefused: () => undefined,
    })
    const put = (count: number, item: 'plain' | 'urgent' = 'plain') => {
      for (let n = 0; n < count; n += 1) batcher.put(item)
    }
    return { batches, batcher, put, next: () => written.promise }
  }

  test('few items wait for nothing, and many come together until somebody waits for one', async () => {
    const { batches, batcher, put } = open(hour)
    put(7)
    await batcher.drained()
    put(8)
    await batcher.drained()
    put(3)
    put(2)
    expect(batches).toEqual([7, 8])
    put(1, 'urgent')
    await batcher.drained()
    expect(batches).toEqual([7, 8, 6])
  })

  test.each([
    ['items', 20, undefined],
    ['bytes', 9, 9],
  ] as const)('a batch that is full by its %s waits no longer', async (_, size, bytesMax) => {
    const { batches, batcher, put, next } = open(hour, bytesMax)
    put(8)
    await batcher.drained()
    put(size - 1)
    const done = next()
    put(1)
    await done
    expect(batches).toEqual([8, size])
  })

  test('what gathers is written when its time is over', async () => {
    const { batches, batcher, put } = open(5)
    put(8)
    await batcher.drained()
    put(3)
    await batcher.drained()
    expect(batches).toEqual([8, 3])
  })
})

describe('rough bytes', () => {
  test('are within a few times of the JSON, and stop at the maximum', () =>
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const json = JSON.stringify(value)?.length ?? 4
        expect(roughBytes(value)).toBeGreaterThanOrEqual(json / 8)
        expect(roughBytes(value)).toBeLessThanOrEqual(json * 20 + 32)
      }),
    ))

  test('count what is nested deep, and no more than asked', () => {
    let deep: unknown = 'x'.repeat(100)
    for (let n = 0; n < 100_000; n += 1) deep = [deep]
    expect(roughBytes(deep)).toBeGreaterThan(100_000)
    expect(roughBytes(Array(1_000_000).fill(1), 1_000)).toBeLessThan(2_000)
  })
})

import { expect, test } from '@jest/globals'
import { makeChunkCache } from './chunk-cache.ts'

test('a chunk that many want at once is read once; the cache holds no more than it may', async () => {
  const cache = makeChunkCache(1_000)
  let reads = 0
  const read = async () => {
    reads += 1
    await new Promise(setImmediate)
    return Buffer.alloc(400)
  }
  const all = await Promise.all(Array.from({ length: 50 }, () => cache.get('a', read)))
  expect(new Set(all).size).toBe(1)
  expect(reads).toBe(1)
  await cache.get('b', read)
  await cache.get('a', read) // used last
  await cache.get('c', read)
  expect(reads).toBe(3)
  await cache.get('a', read)
  expect(reads).toBe(3)
  await cache.get('b', read)
  expect(reads).toBe(4)
})

test('a read that fails is told to all who wait, and tried again by the next', async () => {
  const cache = makeChunkCache(1_000)
  const fails = () => Promise.reject(new Error('away'))
  const all = await Promise.allSettled([cache.get('a', fails), cache.get('a', fails)])
  expect(all.map(one => one.status)).toEqual(['rejected', 'rejected'])
  expect((await cache.get('a', async () => Buffer.from('x'))).toString()).toBe('x')
})

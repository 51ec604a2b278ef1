import { expect, test } from '@jest/globals'
import { foldResults } from '@re-ops/pipelines'
import { disk, facts, memory, metricsMemory, operationNamed } from './index.ts'
import { rough } from './fold.ts'

const ok = (name: string, value: unknown) => ({ host: { id: name, name }, ms: 1, ok: true as const, value })
const GiB = 2 ** 30

test('memory: hosts of one size are one group, however the kernel rounds and whatever is in use', () => {
  const of = (totalBytes: number, availableBytes: number) => ({
    totalBytes,
    availableBytes,
    used: 1 - availableBytes / totalBytes,
    swapTotalBytes: 0,
    swapFreeBytes: 0,
  })
  const results = [
    ok('a', of(16_655_384_576, 3 * GiB)),
    ok('b', of(16_612_147_200, 9 * GiB)),
    ok('c', of(8_233_472_000, GiB)),
  ]
  for (const operation of [memory, metricsMemory])
    expect(foldResults(results, operation).map(group => group.hosts.map(host => host.name))).toEqual([
      ['c'],
      ['a', 'b'],
    ])
})

test('disk and facts: sizes of file systems that are nearly equal; what is mounted where still tells hosts apart', () => {
  const mount = (totalBytes: number, more = {}) => ({
    mounts: [
      {
        mount: '/',
        device: '/dev/vda',
        fs: 'ext4',
        totalBytes,
        usedBytes: totalBytes / 3,
        availableBytes: 1,
        used: 0.3,
        ...more,
      },
    ],
  })
  const results = [
    ok('a', mount(105_089_261_568)),
    ok('b', mount(105_012_000_000)),
    ok('c', mount(105_089_261_568, { fs: 'xfs' })),
  ]
  expect(foldResults(results, disk).map(group => group.hosts.length)).toEqual([1, 2])
  const fact = (bootedAt: string, totalBytes: number) => ({
    hostname: bootedAt,
    addresses: [bootedAt],
    bootedAt,
    memory: { totalBytes, availableBytes: 1 },
    disks: [],
    kernel: '6.1',
  })
  expect(foldResults([ok('a', fact('1', 16_655_384_576)), ok('b', fact('2', 16_612_147_200))], facts)).toHaveLength(1)
})

test('rough looks into lists and leaves what it does not know', () => {
  expect(rough('a.b', 'none')({ a: [{ b: 1234 }, { b: 'x' }, {}], c: 1234 })).toEqual({
    a: [{ b: 1200 }, { b: 'x' }, {}],
    c: 1234,
  })
  expect(rough('a')(null)).toBeNull()
  expect(operationNamed('memory')?.fold).toBeDefined()
})

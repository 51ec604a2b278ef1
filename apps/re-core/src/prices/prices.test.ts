import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { costOf, hourlyIn, spentBy, type PriceList } from './cost.ts'
import { pricesOf, readPrices, shippedPrices } from './file.ts'

const disk = { at: '2026-01-19', source: 'a list', diskGbMonth: 0.073, sizes: { 't3.small': 0.02 } }
const list: PriceList = { size: { hourly: 0.02, source: 'a list', at: '2026-01-19' }, disk, stoppedIsBilled: false }
const machine = { size: 't3.small', diskGb: 100, volumesGb: [50], spot: false }

describe('what a machine costs', () => {
  test('its size while it runs, its disks also while it is stopped', () => {
    expect(costOf(machine, list)).toMatchObject({ hourly: 0.035, hourlyStopped: 0.015, monthly: 25.55, why: null })
    expect(costOf(machine, list).parts.map(part => [part.what, part.hourly, part.whenStopped])).toEqual([
      ['t3.small', 0.02, false],
      ['disk 100 GB', 0.01, true],
      ['volume 50 GB', 0.005, true],
    ])
  })
  test('where what is stopped is billed, stopping saves nothing', () => {
    const cost = costOf({ ...machine, diskGb: null, volumesGb: [] }, { ...list, stoppedIsBilled: true })
    expect(cost).toMatchObject({ hourly: 0.02, hourlyStopped: 0.02 })
  })
  test('no price is told as such, with the reason, and is no zero', () => {
    expect(costOf(machine, { ...list, size: null })).toMatchObject({
      hourly: null,
      why: 'no price is known of t3.small',
    })
    expect(costOf(machine, { ...list, disk: null })).toMatchObject({ hourly: null })
  })
  test('so far: each phase at its own rate; nothing before there is a machine and after it is gone', () => {
    const cost = costOf(machine, list)
    const phases = (['planned', 'requested', 'ready', 'stopped', 'ready', 'gone'] as const).map((name, n) => ({
      name,
      at: new Date(n * 3_600_000).toISOString(),
    }))
    expect(spentBy({ phases }, cost, 9 * 3_600_000)).toBeCloseTo(0.035 + 0.035 + 0.015 + 0.035, 4)
    expect([hourlyIn('stopped', cost), hourlyIn('gone', cost)]).toEqual([0.015, 0])
  })
})

describe('the price file', () => {
  let folder = ''
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'prices-'))))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = (content: unknown) => {
    const path = join(folder, 'prices.json')
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  test('the shipped one fits its schema and knows what our own sizes mean at EC2, with a date', () => {
    expect(readPrices(file(shippedPrices))).toEqual(shippedPrices)
    for (const region of ['us-east-1', 'eu-west-1', 'eu-central-1']) {
      const prices = pricesOf(shippedPrices, 'ec2', region)
      expect(prices?.at).toMatch(/^20\d\d-\d\d-\d\d$/)
      for (const size of ['t3.small', 't3.medium', 't3.large', 'm6i.xlarge'])
        expect(prices?.sizes[size]).toBeGreaterThan(0)
    }
    expect(pricesOf(shippedPrices, 'ec2', 'mars-1')).toBeNull()
    expect(pricesOf(shippedPrices, 'digitalocean', 'fra1')?.diskGbMonth).toBeGreaterThan(0)
  })
  test.each<[string, unknown, RegExp]>([
    ['no JSON', '{', /RECORE_PRICES: .*prices\.json: .*JSON/],
    ['a field', { ec2: { 'us-east-1': { ...disk, currency: 'EUR' } } }, /\/ec2\/us-east-1\/currency unknown field/],
    ['a price', { ec2: { 'us-east-1': { ...disk, sizes: { 't3.small': -1 } } } }, /\/ec2\/us-east-1\/sizes\/t3.small/],
    ['a provider', { aws: {} }, /\/aws unknown field; allowed are ec2, digitalocean/],
  ])('what does not fit is named: %s', (_what, content, words) => {
    const path = file(content)
    expect(() => readPrices(path)).toThrow(words)
  })
  test('a file that is not there is named', () => {
    expect(() => readPrices(join(folder, 'none.json'))).toThrow(/none\.json: ENOENT/)
  })
})

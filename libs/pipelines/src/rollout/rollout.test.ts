import { describe, expect, test } from '@jest/globals'
import type { RunControl } from '@re-ops/protocols'
import fc from 'fast-check'
import { decideRollout, planRollout, type RolloutPlan } from '../index.ts'

/** How each host will end, and the order in which hosts at work end: `picks` chooses among them. `null` never ends. */
type World = { readonly ends: readonly (boolean | null)[]; readonly picks: readonly number[] }
type Seen = {
  readonly at: readonly { begun: number; places: number; ended: number; failed: number }[]
  readonly begun: readonly number[]
  readonly ended: readonly number[]
  readonly rule: string | null
  readonly failedAtStop: number
}

/** A run of the rules alone: begins what they say, ends one host at a time, until nothing can happen. */
const play = (plan: RolloutPlan, { ends, picks }: World): Seen => {
  const begun: number[] = []
  const ended: number[] = []
  const working: number[] = []
  const at: Seen['at'][number][] = []
  let [failed, pick] = [0, 0]
  for (;;) {
    const state = { begun: begun.length, places: working.length, failed, paused: false }
    const { start, stop } = decideRollout(plan, state)
    at.push({ ...state, ended: ended.length })
    if (stop && begun.length < plan.expected) return { at, begun, ended, rule: stop.rule, failedAtStop: failed }
    for (let n = 0; n < start; n += 1) {
      working.push(begun.length)
      begun.push(begun.length)
    }
    if (start > 0) continue
    const able = working.filter(host => ends[host] !== null)
    const host = able[(picks[pick % Math.max(1, picks.length)] ?? 0) % Math.max(1, able.length)]
    if (host === undefined) return { at, begun, ended, rule: null, failedAtStop: failed }
    pick += 1
    working.splice(working.indexOf(host), 1)
    ended.push(host)
    if (ends[host] === false) failed += 1
  }
}

const share = (least: number) =>
  fc.oneof(
    fc.integer({ min: least, max: 30 }),
    fc.integer({ min: least, max: 100 }).map(n => `${n}%`),
  )
const anyControl = fc.record(
  {
    batch: share(1),
    serial: share(1),
    concurrency: fc.integer({ min: 1, max: 20 }),
    canary: share(1),
    maxFailures: share(0),
  },
  { requiredKeys: [] },
)
const anyWorld = fc.integer({ min: 1, max: 60 }).chain(expected =>
  fc.record({
    ends: fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)), {
      minLength: expected,
      maxLength: expected,
    }),
    picks: fc.array(fc.nat(1000), { maxLength: 80 }),
  }),
)
const check = (property: (control: RunControl, world: World, plan: RolloutPlan, seen: Seen) => void) =>
  fc.assert(
    fc.property(anyControl, anyWorld, (control, world) => {
      const plan = planRollout(control, world.ends.length)
      property(control, world, plan, play(plan, world))
    }),
    { numRuns: 500 },
  )

describe('a rollout', () => {
  test('begins each host at most once, and without a stop all of them begin and end', () =>
    check((_, { ends }, __, { begun, ended, rule }) => {
      expect(begun).toEqual(Array.from({ length: begun.length }, (_, n) => n))
      expect(new Set(ended).size).toBe(ended.length)
      if (rule === null) expect(ended.length).toBe(ends.length)
    }))

  test('never has more hosts at work than `concurrency` and `batch` allow', () =>
    check(({ concurrency = Infinity }, _, { placesMax }, { at }) => {
      expect(placesMax).toBeLessThanOrEqual(concurrency)
      for (const { places } of at) expect(places).toBeLessThanOrEqual(placesMax)
    }))

  test('begins no other host before every canary has ended', () =>
    check((_, __, { canary }, { at }) => {
      for (const { begun, ended } of at) if (begun > canary) expect(ended).toBeGreaterThanOrEqual(canary)
    }))

  test('begins no batch of `serial` before the one before has ended', () =>
    check((_, __, { canary, serial }, { at }) => {
      for (const { begun, ended } of at) {
        if (serial === null || begun <= canary) continue
        const full = canary + Math.floor((begun - canary - 1) / serial) * serial
        expect(ended).toBeGreaterThanOrEqual(full)
      }
    }))

  test('stops exactly when one more failed than is allowed, and then begins nobody', () =>
    check((_, { ends }, { canary, canaryFailuresMax, failuresMax }, { at, begun, rule, failedAtStop }) => {
      if (rule === 'canary') expect([begun.length <= canary, failedAtStop]).toEqual([true, canaryFailuresMax + 1])
      if (rule === 'maxFailures') expect(failedAtStop).toBe(failuresMax + 1)
      const going = at.filter(state => state.begun < ends.length).slice(0, rule === null ? undefined : -1)
      for (const state of going)
        expect(state.failed).toBeLessThanOrEqual(state.begun <= canary ? canaryFailuresMax : failuresMax)
    }))

  test('one host that never ends delays no other within the window', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 50 }),
        fc.integer({ min: 2, max: 10 }),
        fc.nat(),
        (expected, batch, slow) => {
          const ends = Array.from({ length: expected }, (_, n) => (n === slow % expected ? null : true))
          const seen = play(planRollout({ batch }, expected), { ends, picks: [0] })
          expect(seen.ended.length).toBe(expected - 1)
        },
      ),
    ))

  test('a place is always used: a host waits only while the places, its batch or the canaries are taken', () =>
    check((_, __, plan, { at }) => {
      for (const state of at) {
        const { start, stop, waitsFor } = decideRollout(plan, { ...state, paused: false })
        if (stop || state.begun >= plan.expected) expect(start).toBe(0)
        else if (state.places === 0) expect(start).toBeGreaterThan(0)
        if (state.begun < plan.expected) expect(waitsFor).not.toBeNull()
        expect(decideRollout(plan, { ...state, paused: true }).start).toBe(0)
      }
    }))
})

describe('the rules in numbers', () => {
  test.each<[RunControl, number, Partial<RolloutPlan>]>([
    [{ batch: '10%' }, 42, { placesMax: 4 }],
    [{ batch: '1%' }, 5, { placesMax: 1 }],
    [{ batch: '50%', concurrency: 3 }, 10, { placesMax: 3 }],
    [{ canary: '5%', maxFailures: '29%' }, 100, { canary: 5, canaryFailuresMax: 1, failuresMax: 29 }],
    [{ canary: 3, maxFailures: 9 }, 100, { canary: 3, canaryFailuresMax: 2, failuresMax: 9 }],
    [{ canary: 3 }, 2, { canary: 2, canaryFailuresMax: 0, failuresMax: Infinity }],
    [{ serial: '33.334%', maxFailures: 0 }, 9, { serial: 3, failuresMax: 0 }],
    [{ batch: 2 }, 0, { canary: 0, expected: 0 }],
  ])('%j of %i hosts', (control, expected, plan) => expect(planRollout(control, expected)).toMatchObject(plan))

  test('what it waits for is said in words', () => {
    const plan = planRollout({ canary: 2, serial: 3, concurrency: 2, maxFailures: 1 }, 9)
    const said = (begun: number, places: number, failed = 0) => {
      const { stage, waitsFor, start } = decideRollout(plan, { begun, places, failed, paused: false })
      return [stage, start, waitsFor]
    }
    expect(said(2, 1)).toEqual([{ name: 'canary', at: 1, of: 1 }, 0, '1 of 2 canaries to end'])
    expect(said(3, 1)).toEqual([{ name: 'batch', at: 1, of: 3 }, 1, 'a place: 1 of 2 are taken'])
    expect(said(5, 2)).toEqual([{ name: 'batch', at: 1, of: 3 }, 0, '2 of 3 hosts of batch 1 of 3 to end'])
    expect(said(6, 2, 2)).toEqual([{ name: 'batch', at: 2, of: 3 }, 0, '2 of 9 hosts failed, allowed are 1'])
    expect(said(9, 1)).toEqual([{ name: 'batch', at: 3, of: 3 }, 0, null])
  })
})

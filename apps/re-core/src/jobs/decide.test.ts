import { describe, expect, test } from '@jest/globals'
import type { Caps, Observation, SystemSpec } from '@re-ops/protocols'
import { testSpec } from '../testing/standard.ts'
import type { SystemRow } from '../store/row.ts'
import { decide, type Rules, type Seen } from './decide.ts'
import { shownIn } from './decide-stray.ts'
import { localCaps } from '../providers/local/local.ts'
import { newRow } from './newRow.ts'

const now = 1_000_000
const caps: Caps = localCaps
const spec: SystemSpec = { ...testSpec('one'), labels: {} }
const rules: Rules = { caps, restartDelayMs: 5_000, bootTimeoutMs: 60_000 }
const died: Observation = {
  state: 'present',
  vm: {
    ref: 'm',
    power: 'stopped',
    raw: 'no process',
    locked: false,
    addresses: [],
    size: 'process',
    createdAt: new Date(0).toISOString(),
    tags: {},
    lifecycle: 'on-demand',
  },
}
/** Started again `restarts` times without ever having been ready, and dead. */
const rowOf = (restarts: number, more: Partial<SystemRow> = {}): SystemRow => ({
  ...newRow(spec, now - 60_000),
  phase: 'booting',
  phaseAt: now - 10_000,
  sentAt: now - 50_000,
  ref: 'm',
  restarts,
  ...more,
})
const next = (row: SystemRow, seen: Partial<Seen> = {}, rule: Rules = rules) =>
  decide(row, { sightings: [], instance: died, ...seen }, now, rule)

describe('protection', () => {
  const shown = (isProtected?: boolean): Observation =>
    died.state === 'present'
      ? {
          state: 'present',
          vm: { ...died.vm, power: 'running', ...(isProtected === undefined ? {} : { protected: isProtected }) },
        }
      : died
  const ready = (more: Partial<SystemRow>) => rowOf(0, { phase: 'ready', ...more })

  test('is told to the provider when it was told otherwise; put back when its policy says so, and never taken off', () => {
    const row = ready({ protected: true })
    expect(next(row, { instance: shown() })).toEqual({ kind: 'protect' })
    const told = { ...row, protectedThere: true, fixes: ['protection' as const] }
    expect(next(told, { instance: shown(false) })).toEqual({ kind: 'fix', field: 'protection' })
    expect(next({ ...told, fixes: [] }, { instance: shown(false) })).toMatchObject({ kind: 'settled', phase: 'ready' })
    const never = { ...told, protected: false, protectedThere: false }
    expect(next(never, { instance: shown(true) })).toMatchObject({ kind: 'settled', phase: 'ready' })
    for (const seen of [shown(), shown(true)])
      expect(next({ ...row, protectedThere: true }, { instance: seen })).toMatchObject({
        kind: 'settled',
        phase: 'ready',
      })
  })

  test('that was taken away is taken away at the provider before the machine is destroyed', () => {
    const row = ready({ protectedThere: true, desired: 'absent', phase: 'destroying' })
    expect(next(row)).toEqual({ kind: 'protect' })
    expect(next({ ...row, protectedThere: false }, { instance: shown() })).toMatchObject({ kind: 'destroy', of: 'own' })
  })

  test('a machine that stays is not said to be destroyed while its system ends', () => {
    const leaving = { desired: 'absent', protectedThere: false } as const
    const phaseOf = (more: Partial<SystemRow>, rule?: Rules) => next(ready({ ...leaving, ...more }), {}, rule)
    expect(phaseOf({})).toEqual({ kind: 'enter', phase: 'destroying' })
    expect(phaseOf({ managed: 'observe' })).toEqual({ kind: 'enter', phase: 'forgetting' })
    const given: Rules = { ...rules, caps: { ...caps, given: true } }
    expect(phaseOf({}, given)).toEqual({ kind: 'enter', phase: 'forgetting' })
    expect(next(ready({ ...leaving, managed: 'observe', phase: 'forgetting' }))).toMatchObject({ phase: 'gone' })
  })

  test('is not told to a provider that has none', () => {
    const without: Rules = { ...rules, caps: { ...caps, protection: false } }
    expect(next(ready({ protected: true }), { instance: shown() }, without)).toMatchObject({ phase: 'ready' })
  })
})

describe('a machine that died', () => {
  test('its first death is noted without asking anybody', () => {
    expect(next(rowOf(0))).toEqual({ kind: 'note', what: 'down' })
  })

  test('a later one counts from the start again when its agent had called home', () => {
    expect(next(rowOf(5))).toEqual({ kind: 'look', at: 'last-life' })
    expect(next(rowOf(6), { calledHome: true })).toEqual({ kind: 'note', what: 'down', restarts: 0 })
    expect(next(rowOf(6), { calledHome: false })).toEqual({ kind: 'note', what: 'down' })
  })

  test('it is started again later each time, 40 s at most, and after six times a person is asked', () => {
    const down = (restarts: number) => next(rowOf(restarts, { phase: 'stopped', downAt: now }))
    expect([0, 1, 2, 3, 5].map(restarts => down(restarts))).toEqual(
      [5_000, 10_000, 20_000, 40_000, 40_000].map(ms => expect.objectContaining({ kind: 'wait', at: now + ms })),
    )
    expect(down(6)).toMatchObject({ kind: 'settled', phase: 'failed' })
  })
})

describe('a machine that was promised and never made', () => {
  const neverMade: Partial<Seen> = { instance: { state: 'absent', proof: 'never-made' } }

  test('the next try is another identity; after eight a person is asked', () => {
    expect(next(rowOf(0), neverMade)).toEqual({ kind: 'next-candidate' })
    expect(next(rowOf(0, { candidate: 7 }), neverMade)).toMatchObject({ kind: 'settled', phase: 'failed' })
  })
})

describe('destroying where creates are found by looking', () => {
  const looking: Rules = {
    ...rules,
    caps: { ...caps, createIdempotency: 'lookup', maxVisibilityLagMs: 10_000, latestLandingMs: 600_000 },
  }
  const leaving = { desired: 'absent', phase: 'destroying', destroyedAt: now, missingAt: now - 5_000 } as const

  test('with its machine known only the lag is waited out; with none a late create too', () => {
    const seen = { found: [] }
    expect(next(rowOf(0, leaving), seen, looking)).toMatchObject({ kind: 'wait', at: now + 5_000 })
    expect(next(rowOf(0, { ...leaving, ref: null }), seen, looking)).toMatchObject({ kind: 'wait', at: now + 560_000 })
  })
})

describe('a stray of the system', () => {
  const slow: Rules = { ...rules, caps: { ...caps, maxVisibilityLagMs: 10_000 } }
  const stray = (ageMs: number, isDestroyed: boolean) => ({ ref: 's', generation: 1, candidate: 3, ageMs, isDestroyed })
  const ends = { kind: 'destroy', of: 'sighting', ref: 's' }

  test('is destroyed at once, and once more when it must have been seen; meanwhile its system goes on', () => {
    const row = rowOf(0, { phase: 'gone', desired: 'absent' })
    for (const one of [row, rowOf(0)]) {
      const steps = [stray(10, false), stray(20, true), stray(10_000, true)].map(sighting =>
        next(one, { sightings: [sighting] }, slow),
      )
      expect([steps[0], steps[2]]).toEqual([ends, ends])
      expect(steps[1]).toEqual(next(one, {}, slow))
    }
    expect([shownIn([], slow.caps), shownIn([stray(0, false)], slow.caps)]).toEqual([null, null])
    expect(shownIn([stray(4_000, true), stray(9_000, true), stray(11_000, true)], slow.caps)).toBe(6_001)
  })
})

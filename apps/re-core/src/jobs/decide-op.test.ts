import { describe, expect, test } from '@jest/globals'
import { ProviderError, type Observation } from '@re-ops/protocols'
import { localCaps } from '../providers/local/local.ts'
import type { OpRow, SystemRow } from '../store/row.ts'
import { testSpec } from '../testing/standard.ts'
import { decide, type Rules, type Seen } from './decide.ts'
import { newRow } from './newRow.ts'

const now = 1_000_000
const caps = { ...localCaps, opHistory: false, latestLandingMs: 60_000, maxVisibilityLagMs: 10_000 }
const rules: Rules = { caps, restartDelayMs: 5_000, bootTimeoutMs: 120_000 }
const [before, after] = ['0193f2a4-8f00-7000-8000-00000000000a', '0193f2a4-8f00-7000-8000-00000000000b']
const runs = (power: 'running' | 'stopped' | 'stopping' = 'running'): Observation => ({
  state: 'present',
  vm: {
    ref: 'm',
    power,
    raw: power,
    locked: false,
    addresses: [],
    size: 'process',
    createdAt: new Date(0).toISOString(),
    tags: {},
    lifecycle: 'on-demand',
  },
})
const row = (more: Partial<SystemRow> = {}): SystemRow => ({
  ...newRow(testSpec('one'), now - 600_000),
  phase: 'ready',
  phaseAt: now - 500_000,
  sentAt: now - 600_000,
  ref: 'm',
  ...more,
})
const op = (more: Partial<OpRow> = {}): OpRow => ({
  id: after,
  system: before,
  kind: 'reboot',
  generation: 1,
  force: false,
  snapshot: null,
  volume: null,
  sentAt: null,
  acceptedAt: null,
  opRef: null,
  before: null,
  createdAt: now - 1_000,
  ...more,
})
const host = (boot: string | null) => ({ id: before, online: true, enrolledAt: 0, seenAt: 0, boot })
const next = (more: Partial<OpRow>, seen: Partial<Seen> = {}, system: Partial<SystemRow> = {}) =>
  decide(row({ op: after, ...system }), { sightings: [], instance: runs(), op: op(more), ...seen }, now, rules)

describe('a reboot', () => {
  test('notes who answered before, then is sent; a stopped machine has none', () => {
    expect(next({})).toEqual({ kind: 'look', at: 'host' })
    expect(next({}, { host: host(before) })).toEqual({ kind: 'op' })
    expect(next({}, { instance: runs('stopped') })).toMatchObject({ kind: 'op-over', end: { state: 'failed' } })
  })

  test('that was sent and not answered asks the history; what is not in it is sent again only when it cannot land any more', () => {
    const sent = { sentAt: now - 5_000, before }
    expect(next(sent)).toEqual({ kind: 'look', at: 'history' })
    expect(next(sent, { history: 'none' })).toMatchObject({ kind: 'wait', at: now + 65_000 })
    expect(next({ ...sent, sentAt: now - 70_000 }, { history: 'none' })).toEqual({ kind: 'op-unsent' })
  })

  test('of which the provider cannot tell asks the guest: another start of its agent proves it, else it is uncertain', () => {
    const seen = { history: 'cannot-tell' as const }
    const sent = { sentAt: now - 5_000, before }
    expect(next(sent, seen)).toEqual({ kind: 'look', at: 'host' })
    expect(next(sent, { ...seen, host: host(before) })).toMatchObject({ kind: 'wait' })
    expect(next(sent, { ...seen, host: host(after) })).toMatchObject({ end: { state: 'done', error: null } })
    const late = { sentAt: now - 120_000, before }
    expect(next(late, { ...seen, host: host(before) })).toMatchObject({
      kind: 'op-over',
      end: { state: 'uncertain', error: expect.stringMatching(/was lost.*it was not sent again/) },
    })
    const mute = next({ sentAt: now - 70_000 }, seen, { readiness: 'none' })
    expect(mute).toMatchObject({ end: { state: 'uncertain' } })
  })

  test('that was accepted is done when its agent has started again, and failed when it has not in time', () => {
    const accepted = { sentAt: now - 5_000, acceptedAt: now - 4_000, before }
    expect(next(accepted, { host: host(before) })).toMatchObject({ kind: 'wait' })
    expect(next(accepted, { host: host(after) })).toMatchObject({ end: { state: 'done' } })
    expect(next({ ...accepted, sentAt: now - 121_000 }, { host: host(before) })).toMatchObject({
      end: { state: 'failed', error: expect.stringMatching(/within 121 s|within 120 s/) },
    })
    const errored = { failed: new ProviderError('transient', 'not-applied', 'could not') }
    expect(next({ ...accepted, opRef: '7' }, { progress: errored })).toMatchObject({ end: { error: 'could not' } })
  })
})

describe('a stop', () => {
  const stopping = (more: Partial<SystemRow>) =>
    decide(
      row({ desired: 'stopped', phase: 'stopping', phaseAt: now - 60_000, ...more }),
      { sightings: [], instance: runs() },
      now,
      rules,
    )

  test('asks the guest, says that it waits, asks again, and forces only from the time that was asked for', () => {
    expect(stopping({})).toEqual({ kind: 'stop', force: false })
    const waits = stopping({ stopSentAt: now - 1_000 })
    expect(waits).toMatchObject({ kind: 'wait', reason: expect.stringMatching(/asked to stop and has not yet/) })
    expect(stopping({ stopSentAt: now - 15_000 })).toEqual({ kind: 'stop', force: false })
    expect(stopping({ stopSentAt: now - 1_000, forceAt: now + 300 })).toMatchObject({ kind: 'wait', at: now + 300 })
    expect(stopping({ stopSentAt: now - 1_000, forceAt: now })).toEqual({ kind: 'stop', force: true })
    expect(stopping({ stopSentAt: now, forceAt: now - 10 })).toMatchObject({ kind: 'wait' })
  })
})

describe('a resize', () => {
  const resizing = (power: 'running' | 'stopped', more: Partial<SystemRow>, seen: Partial<Seen> = {}) =>
    decide(row({ wantSize: 'large', ...more }), { sightings: [], instance: runs(power), ...seen }, now, rules)

  test('stops, changes, and comes to its end before the machine is started again', () => {
    expect(resizing('running', {})).toEqual({ kind: 'enter', phase: 'stopping' })
    expect(resizing('stopped', { phase: 'stopping' })).toEqual({ kind: 'enter', phase: 'stopped' })
    expect(resizing('stopped', { phase: 'stopped' })).toEqual({ kind: 'resize' })
    const under = { phase: 'stopped', opRef: '7' } as const
    expect(resizing('stopped', under)).toEqual({ kind: 'look', at: 'progress' })
    expect(resizing('stopped', under, { progress: 'done' })).toEqual({ kind: 'resize-over', why: null })
    expect(resizing('stopped', { wantSize: null, phase: 'stopped' })).toEqual({ kind: 'start' })
  })
})

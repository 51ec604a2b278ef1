import { expect, test } from '@jest/globals'
import { ProviderError } from '@re-ops/protocols'
import { localCaps } from '../providers/local/local.ts'
import type { OpRow } from '../store/row.ts'
import { testSpec } from '../testing/standard.ts'
import type { Progress } from './decide.ts'
import { moveVolume } from './decide-volume.ts'
import { newRow } from './newRow.ts'

const now = 1_000_000
const caps = { ...localCaps, latestLandingMs: 60_000, maxVisibilityLagMs: 10_000 }
const row = { ...newRow(testSpec('one'), now - 600_000), phase: 'ready' as const, ref: 'm' }
const unsent: OpRow = {
  id: 'op',
  system: row.id,
  kind: 'attach',
  generation: 1,
  force: false,
  snapshot: null,
  volume: 'data',
  sentAt: null,
  acceptedAt: null,
  opRef: null,
  before: null,
  createdAt: now - 1_000,
}
const next = (more: Partial<OpRow>, progress?: Progress) =>
  moveVolume(row, { ...unsent, ...more }, { sightings: [], ...(progress ? { progress } : {}) }, { now, caps })

test('it is asked for, and looked for until it shows', () => {
  expect(next({})).toEqual({ kind: 'op' })
  const accepted = { sentAt: now - 5_000, acceptedAt: now - 4_000 }
  expect(next(accepted)).toEqual({ kind: 'look', at: 'progress' })
  expect(next(accepted, 'running')).toMatchObject({ kind: 'wait', reason: 'the attach of volume data is under way' })
  expect(next(accepted, 'done')).toEqual({ kind: 'op-over', end: { state: 'done', error: null } })
  const failed = { failed: new ProviderError('transient', 'not-applied', 'could not') }
  expect(next(accepted, failed)).toMatchObject({ end: { state: 'failed', error: 'could not' } })
})

test('one whose answer was lost is asked for again when it shows, or when it can no longer land', () => {
  const lost = { sentAt: now - 5_000 }
  expect(next(lost)).toEqual({ kind: 'look', at: 'progress' })
  expect(next(lost, 'running')).toMatchObject({ kind: 'wait', at: now + 5_000, reason: expect.stringMatching(/lost/) })
  expect(next({ sentAt: now - 68_000 }, 'running')).toMatchObject({ kind: 'wait', at: now + 2_000 })
  expect(next({ sentAt: now - 70_000 }, 'running')).toEqual({ kind: 'op-unsent' })
  expect(next(lost, 'done')).toEqual({ kind: 'op' })
})

test('one that was accepted and never shows ends uncertain', () => {
  const accepted = { sentAt: now - 700_000, acceptedAt: now - 600_000 }
  expect(next({ ...accepted, kind: 'detach' }, 'running')).toMatchObject({
    kind: 'op-over',
    end: { state: 'uncertain', error: expect.stringMatching(/^the detach of volume data .* does not show/) },
  })
})

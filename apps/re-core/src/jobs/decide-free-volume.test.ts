import { expect, test } from '@jest/globals'
import { ProviderError, type Volume } from '@re-ops/protocols'
import type { VolumeRow } from '../store/wanted-volumes.ts'
import { decideVolume, type VolumeSeen } from './decide-free-volume.ts'

const now = 1_000_000
const caps = { latestLandingMs: 60_000, maxVisibilityLagMs: 10_000 }
const row: VolumeRow = {
  id: 'v',
  provider: 'ec2',
  account: 'aws',
  region: 'eu',
  name: 'data',
  ref: null,
  sentAt: null,
  zone: null,
  system: null,
  wantGb: 10,
  wantZone: null,
  leaving: false,
  opRef: null,
  problem: null,
  attempt: 0,
  nextAt: now,
  epoch: 1,
}
const volume: Volume = { ref: 'vol', name: 'data', sizeGb: 10, zone: null, attachedTo: null }
const next = (more: Partial<VolumeRow>, seen: VolumeSeen = {}) => decideVolume({ ...row, ...more }, seen, { now, caps })

test('it is made, and asked for again by the same name when nobody answered', () => {
  expect(next({})).toEqual({ kind: 'make' })
  expect(next({ sentAt: now - 1_000 })).toEqual({ kind: 'make' })
  expect(next({ ref: 'vol' })).toEqual({ kind: 'look', at: 'volume' })
  expect(next({ ref: 'vol' }, { volume })).toEqual({ kind: 'settled' })
  expect(next({ ref: 'vol', sentAt: now - 1_000 }, { volume: null })).toMatchObject({ kind: 'wait' })
  expect(next({ ref: 'vol', sentAt: now - 70_000 }, { volume: null })).toMatchObject({ what: 'not-found' })
})

test('it gets larger, waits for the provider, and never smaller', () => {
  expect(next({ ref: 'vol', wantGb: 20 }, { volume })).toEqual({ kind: 'resize', sizeGb: 20 })
  expect(next({ ref: 'vol', opRef: '7' })).toEqual({ kind: 'look', at: 'progress' })
  expect(next({ ref: 'vol', opRef: '7' }, { progress: 'running' })).toMatchObject({ kind: 'wait', at: null })
  expect(next({ ref: 'vol', opRef: '7' }, { progress: 'done' })).toEqual({ kind: 'op-over', failed: null })
  const failed = new ProviderError('transient', 'not-applied', 'could not')
  expect(next({ ref: 'vol', opRef: '7' }, { progress: { failed } })).toEqual({ kind: 'op-over', failed })
  const smaller = next({ ref: 'vol', wantGb: 5 }, { volume })
  expect(smaller).toEqual({ kind: 'refused', what: 'invalid', why: 'volume data has 10 GB; it cannot shrink to 5' })
})

test('it goes when no machine has it; one that was asked for and does not show is waited for', () => {
  const leaving = { leaving: true }
  expect(next(leaving)).toEqual({ kind: 'forget' })
  expect(next({ ...leaving, ref: 'vol' }, { volume })).toEqual({ kind: 'delete' })
  const attached = { volume: { ...volume, attachedTo: 'm' } }
  expect(next({ ...leaving, ref: 'vol' }, attached)).toMatchObject({ kind: 'refused', what: 'busy' })
  const sent = { ...leaving, sentAt: now - 1_000 }
  expect(next(sent)).toEqual({ kind: 'look', at: 'volume' })
  expect(next(sent, { volume: null })).toMatchObject({ kind: 'wait', at: now + 69_000 })
  expect(next(sent, { volume })).toEqual({ kind: 'adopt', volume })
  expect(next({ ...sent, sentAt: now - 70_000 }, { volume: null })).toEqual({ kind: 'forget' })
})

import { expect, test } from '@jest/globals'
import { newId, ProviderError, type Ahead, type Provider } from '@re-ops/protocols'
import { want } from '../services/want.ts'
import type { SystemRow } from '../store/row.ts'
import { landingMs, lagMs, memoryMote, memoryProvider, memoryStore } from '../testing/memory.ts'
import { testSpec } from '../testing/standard.ts'
import type { Deps } from './attempt.ts'
import { newRow } from './newRow.ts'
import { reconcile } from './reconcile.ts'

const why = "EC2 says InvalidParameterValue: Invalid value 't9.small' for InstanceType."

/** One system at a provider that does its own on some calls; `at` is told of each step. */
const makeOne = (more: Partial<Provider>, at: (step: string) => void = () => {}) => {
  const clock = { now: 1_000_000 }
  const memory = memoryStore(newId())
  const { provider } = memoryProvider('token', () => clock.now)
  const planned = newRow({ ...testSpec('one'), labels: {}, readiness: 'none' }, clock.now)
  const { id } = planned
  const deps: Deps = {
    store: memory.store,
    open: async () => ({ ...provider, ...more }),
    at,
    mote: memoryMote(
      () => true,
      () => false,
      () => null,
    ).mote,
    cipher: { seal: text => Buffer.from(text), open: sealed => sealed.toString() },
    installation: newId(),
    now: () => clock.now,
    random: () => 0.5,
    rules: { restartDelayMs: 5_000, bootTimeoutMs: 60_000 },
    parkedMs: 60_000,
    log: { warn: () => {}, info: () => {} },
  }
  const change = (changes: Partial<SystemRow>) =>
    void memory.rows.set(id, { ...(memory.rows.get(id) as SystemRow), ...changes })
  memory.rows.set(id, planned)
  return {
    clock,
    change,
    row: () => memory.rows.get(id) as SystemRow,
    attempt: () => reconcile(deps, id, AbortSignal.timeout(60_000), null),
  }
}
const makeRefused = () =>
  makeOne({
    create: async () => {
      throw new ProviderError('invalid', 'not-applied', why)
    },
  })
const refusedRow = { phase: 'failed', reason: why, sentAt: null }

test('what a provider refuses fails, and fails again in the same words when a person tries it again', async () => {
  const { row, attempt, change, clock } = makeRefused()
  await attempt()
  expect(row()).toMatchObject(refusedRow)
  change(want(row(), 'start', clock.now))
  await attempt()
  expect(row()).toMatchObject(refusedRow)
})

test('refused though it was sent before: it fails when no machine of it can show any more', async () => {
  const { row, attempt, change, clock } = makeRefused()
  await attempt()
  change({ ...want(row(), 'start', clock.now), phase: 'requested', sentAt: clock.now })
  await attempt()
  expect(row()).toMatchObject({ phase: 'requested', reason: why, sentAt: clock.now })
  clock.now += landingMs + lagMs
  await attempt()
  expect(row()).toMatchObject(refusedRow)
})

/** A provider that looks ahead, and what each of its creates was given of it. */
const makeLooking = (create: (nth: number) => void = () => {}, at?: (step: string) => void) => {
  const given: (Ahead | undefined)[] = []
  let looks = 0
  const { attempt } = makeOne(
    {
      lookAhead: async () => ({ found: { ref: `seen-${(looks += 1)}` }, turnAt: null }),
      create: async (_request, _signal, ahead) => {
        create(given.push(ahead))
        return { ref: 'made' }
      },
    },
    at,
  )
  return { attempt, given }
}

test('what was looked for ahead is good for the create of its own attempt', async () => {
  const { attempt, given } = makeLooking()
  await attempt()
  expect(given).toEqual([{ found: { ref: 'seen-1' }, turnAt: null }])
})

test('a look ahead of an earlier attempt is never used: its worker died before the create, or the create was lost', async () => {
  let deaths = 1
  const died = makeLooking(undefined, step => {
    if (step !== 'create' || deaths === 0) return
    deaths -= 1
    throw new Error('killed')
  })
  await expect(died.attempt()).rejects.toThrow('killed')
  await died.attempt()
  expect(died.given).toEqual([undefined])

  const lost = makeLooking(nth => {
    if (nth === 1) throw new ProviderError('transient', 'unknown', 'the answer was lost')
  })
  await lost.attempt()
  await lost.attempt()
  expect(lost.given).toEqual([{ found: { ref: 'seen-1' }, turnAt: null }, undefined])
})

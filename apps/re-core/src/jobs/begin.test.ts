import { expect, test } from '@jest/globals'
import { newId, ProviderError, type Ahead, type Provider } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import { memoryMote, memoryProvider, memoryStore } from '../testing/memory.ts'
import { testSpec } from '../testing/standard.ts'
import type { Deps } from './attempt.ts'
import { freezeNew } from './freeze.ts'
import { newRow } from './newRow.ts'
import { goOn, reconcile } from './reconcile.ts'

const signal = AbortSignal.timeout(60_000)

/** A system as `POST /v1/systems` stores it, and what its provider is asked before and in its first create call. */
const makeBegun = async ({
  turn = async () => {},
  atHand = true,
  at = () => {},
}: {
  turn?: () => Promise<void>
  atHand?: boolean
  at?: (point: string) => void
}) => {
  const memory = memoryStore(newId())
  const clock = { now: Date.now() }
  const now = () => clock.now
  const { provider: plain, alive } = memoryProvider('lookup', now)
  const asked: string[] = []
  const given: (Ahead | undefined)[] = []
  const provider: Provider = {
    ...plain,
    lookAhead: async () => (asked.push('look'), { found: null, turnAt: null }),
    turnAhead: async () => {
      asked.push('turn')
      await turn()
      return { found: null, turnAt: performance.now() }
    },
    create: (request, bound, ahead) => (given.push(ahead), plain.create(request, bound)),
  }
  const { mote } = memoryMote(
    () => true,
    () => alive().length > 0,
    () => null,
  )
  const deps: Deps = {
    store: { ...memory.store, claim: async id => (asked.push('claim'), memory.store.claim(id)) },
    open: async () => provider,
    mote: { ...mote, rootAtHand: () => (atHand ? 'r'.repeat(43) : null) },
    cipher: { seal: text => Buffer.from(text), open: sealed => sealed.toString() },
    installation: newId(),
    now,
    random: () => 0.5,
    rules: { restartDelayMs: 5_000, bootTimeoutMs: 60_000 },
    parkedMs: 60_000,
    log: { warn: () => {}, info: () => {} },
    at,
  }
  const plainRow = newRow({ ...testSpec('one'), labels: {}, readiness: 'agent' }, now())
  const frozen = freezeNew(deps, { row: plainRow, provider, named: {}, userData: null, scarce: new Map() })
  const row: SystemRow = { ...plainRow, ...frozen, leaseEpoch: 1 }
  memory.rows.set(row.id, row)
  const broke = await goOn(deps, row, signal, null, null).then(
    () => null,
    (error: Error) => error.message,
  )
  const found = () => memory.rows.get(row.id) as SystemRow
  /** Attempts of whoever comes next, each when it is due, until the system is settled. */
  const settle = async () => {
    for (let n = 0; n < 50 && (found().nextAt !== null || found().phase === 'planned'); n += 1) {
      clock.now = Math.max(clock.now, found().nextAt ?? 0)
      await reconcile(deps, row.id, signal, null)
    }
    return found()
  }
  return { asked, given, frozen, broke, row: found(), settle, alive }
}

test.each([true, false])(
  'a new system is created without a claim and without a look, its turn taken before (frozen with its row: %s)',
  async atHand => {
    const { asked, given, frozen, row } = await makeBegun({ atHand })
    expect(asked).toEqual(['turn'])
    expect(given).toEqual([{ found: null, turnAt: expect.any(Number) }])
    expect([frozen !== null, row.frozenRequest !== null, row.sentAt !== null, row.ref !== null]).toEqual([
      atHand,
      true,
      true,
      true,
    ])
  },
)

test('one that gets no turn in time was not sent, and is tried again', async () => {
  const { given, row } = await makeBegun({
    turn: async () => {
      throw new ProviderError('throttled', 'not-applied', 'waiting for a turn', { retryAfterMs: 3_000 })
    },
  })
  expect(given).toEqual([])
  expect(row).toMatchObject({ sentAt: null, ref: null, reason: 'waiting for a turn', attempt: 1 })
})

test('whoever it dies under, wherever: the next one looks first, and there is one machine', async () => {
  const points: string[] = []
  await makeBegun({ at: point => void points.push(point) })
  expect(points).toEqual(expect.arrayContaining(['create', 'create.sent', 'create.answered', 'create.saved']))
  for (const atHand of [true, false])
    for (const mine of points) {
      let isDue = true
      const one = await makeBegun({
        atHand,
        at: point => {
          if (point !== mine || !isDue) return
          isDue = false
          throw new Error(`killed at ${mine}`)
        },
      })
      if (isDue) continue // frozen with its row, it never comes there
      expect(one.broke).toBe(`killed at ${mine}`)
      const { phase, ref } = await one.settle()
      expect([mine, phase, ref, one.alive().map(vm => vm.ref)]).toEqual([mine, 'ready', 'vm-1', ['vm-1']])
    }
})

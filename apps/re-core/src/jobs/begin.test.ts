import { expect, test } from '@jest/globals'
import { newId, ProviderError, type Ahead, type Provider } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'
import { memoryMote, memoryProvider, memoryStore } from '../testing/memory.ts'
import { testSpec } from '../testing/standard.ts'
import type { Deps } from './attempt.ts'
import { freezeNew } from './freeze.ts'
import { newRow } from './newRow.ts'
import { goOn } from './reconcile.ts'

const signal = AbortSignal.timeout(60_000)

/** A system as `POST /v1/systems` stores it, and what its provider is asked before and in its first create call. */
const makeBegun = async ({
  turn = async () => {},
  atHand = true,
}: {
  turn?: () => Promise<void>
  atHand?: boolean
}) => {
  const memory = memoryStore(newId())
  const { provider: plain } = memoryProvider('lookup', Date.now)
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
    () => false,
    () => null,
  )
  const deps: Deps = {
    store: { ...memory.store, claim: async id => (asked.push('claim'), memory.store.claim(id)) },
    open: async () => provider,
    mote: { ...mote, rootAtHand: () => (atHand ? 'r'.repeat(43) : null) },
    cipher: { seal: text => Buffer.from(text), open: sealed => sealed.toString() },
    installation: newId(),
    now: Date.now,
    random: () => 0.5,
    rules: { restartDelayMs: 5_000, bootTimeoutMs: 60_000 },
    parkedMs: 60_000,
    log: { warn: () => {}, info: () => {} },
  }
  const plainRow = newRow({ ...testSpec('one'), labels: {}, readiness: 'agent' }, Date.now())
  const frozen = freezeNew(deps, { row: plainRow, provider, named: {}, userData: null, scarce: new Map() })
  const row: SystemRow = { ...plainRow, ...frozen, leaseEpoch: 1 }
  memory.rows.set(row.id, row)
  await goOn(deps, row, signal, null, null)
  return { asked, given, frozen, row: memory.rows.get(row.id) as SystemRow }
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

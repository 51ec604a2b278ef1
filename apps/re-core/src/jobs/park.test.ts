import { expect, test } from '@jest/globals'
import { testSpec } from '../testing/standard.ts'
import type { Deps } from './attempt.ts'
import { newRow } from './newRow.ts'
import { waitsWithAccount } from './park.ts'

const parked = async () => ({ what: 'all' as const, why: 'the key is refused', until: 5_000 })
const deps = { now: () => 1_000, parkedMs: 60_000, store: { parked, mayTry: async () => false } } as unknown as Deps
const row = (provider: 'ec2' | 'local', account: string) => ({ ...newRow(testSpec('one'), 0), provider, account })

test('machines of a parked account wait, also when it is called as its provider; those of this computer never do', async () => {
  const waits = (account: string) => ({
    reason: `account ${account} is refused, and waits: the key is refused`,
    until: 5_000,
  })
  expect(await waitsWithAccount(deps, row('ec2', 'aws'))).toEqual(waits('aws'))
  expect(await waitsWithAccount(deps, row('ec2', 'ec2'))).toEqual(waits('ec2'))
  expect(await waitsWithAccount(deps, row('local', 'local'))).toBeNull()
})

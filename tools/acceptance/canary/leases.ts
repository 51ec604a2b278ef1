import type { Faults, Mishap } from '../../stand-ins/shared/faults.ts'
import type { CanaryStage } from './stage.ts'
import type { AccountName } from './verbs.ts'

/** What marks a machine with the end of its lease, as each stand-in calls it. */
const marking = { aws: 'CreateTags', do: 'tags.create' } as const

export type Leases<A> = {
  /** Of a CI job: leases are begun, renewed and taken away with it. */
  readonly token: string
  readonly faults: Faults<A>
  /** Met by as many renewals, when their machine is told. */
  readonly all: readonly Mishap<A>[]
}

/** Renews a lease until each mishap has been met, asks for what is refused, and takes it away. */
export const askLeases = async <A>(
  { ask, reops, until }: CanaryStage,
  account: AccountName,
  { token, faults, all }: Leases<A>,
): Promise<void> => {
  const lease = `/v1/systems/${account}-leased/lease`
  const action = marking[account]
  faults.add(...all.map((does, n) => ({ action, nth: n + 1, does })))
  await until(`each renewal has been met at ${account}`, async () => {
    await ask('POST', lease, { forMs: 3_600_000 }, token)
    return !faults.left().some(one => one.action === action)
  })
  const refused = [
    await ask('POST', lease, { token }, token),
    await ask('POST', lease, { forMs: token }, token),
    await ask('POST', `${lease}?token=${token}`, { forMs: -1 }, token),
    await ask('POST', lease, {}, `${token}x`),
    await ask('POST', `/v1/systems/${account}-nobody/lease`, {}, token),
  ]
  const odd = refused.find(one => one.status < 400)
  if (odd !== undefined) throw new Error(JSON.stringify(odd))
  await reops(['leases', 'renew', `${account}-leased`, '--for', '2h'], { REOPS_TOKEN: token })
  await reops(['leases'], { REOPS_TOKEN: token })
  await ask('DELETE', lease, undefined, token)
}

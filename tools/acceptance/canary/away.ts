import type { Fault, Faults, Mishap } from '../../stand-ins/shared/faults.ts'
import type { CanaryStage } from './stage.ts'
import { systemBody, type AccountName } from './verbs.ts'

/** As each stand-in calls it. */
const actions = {
  aws: {
    create: 'RunInstances',
    destroy: 'TerminateInstances',
    beside: ['AttachVolume', 'DeleteVolume', 'DeregisterImage', 'DeleteSecurityGroup', 'DeleteKeyPair'],
  },
  do: {
    create: 'droplets.create',
    destroy: 'droplets.delete',
    beside: ['volumes.act', 'volumes.delete', 'snapshots.delete', 'firewalls.delete', 'keys.delete'],
  },
} as const
const rule = { direction: 'in', protocol: 'tcp', ports: '22', peers: ['0.0.0.0/0'] }
const publicKey = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'b'.repeat(43)}`

/** Things beside machines of an account, made while nothing is wrong. */
export const makeExtras = async ({ ask, until }: CanaryStage, account: AccountName): Promise<void> => {
  const at = `?account=${account}`
  const made = [
    await ask('PUT', `/v1/volumes/kept${at}`, { sizeGb: 1 }),
    await ask('PUT', `/v1/ssh-keys/kept${at}`, { publicKey }),
    await ask('PUT', `/v1/firewalls/kept${at}`, { rules: [rule] }),
    await ask('POST', `/v1/systems/${account}-start/snapshots`, { name: `kept-${account}` }),
  ]
  const bad = made.find(one => one.status >= 400)
  if (bad !== undefined) throw new Error(JSON.stringify(bad))
  await until(`a snapshot of ${account} is there`, async () => {
    const { body } = await ask('GET', `/v1/snapshots/kept-${account}`)
    return body['state'] === 'ready'
  })
}

/** One after the other, each once: a call that is refused is tried again and meets the next. */
const inTurn = <A>(action: string, all: readonly Mishap<A>[]): Fault<A>[] =>
  all.map((does, n) => ({ action, nth: n + 1, does }))

export type Away<A> = {
  readonly faults: Faults<A>
  /** Met by the destroys of as many machines. */
  readonly all: readonly Mishap<A>[]
  /** Met by each verb of what stands beside machines. */
  readonly beside: readonly Mishap<A>[]
  /** Met by the create call. */
  readonly making: Mishap<A>
}

/**
 * Destroys a machine per mishap, makes one, and ends what stands beside machines, until each mishap has been met by a
 * destroy. What only looks goes well, so that all come as far as that.
 */
export const askAway = async <A>(
  { ask, until }: CanaryStage,
  account: AccountName,
  { faults, all, beside, making }: Away<A>,
): Promise<void> => {
  const at = `?account=${account}`
  const { create, destroy, beside: others } = actions[account]
  faults.add(...inTurn(destroy, all), ...inTurn(create, [making]), ...others.flatMap(one => inTurn(one, beside)))
  const made = await ask('POST', '/v1/systems', systemBody(account, 'made'))
  const gone = await Promise.all(all.map((_, n) => ask('DELETE', `/v1/systems/${account}-gone-${n}`)))
  const odd = [made, ...gone].find(one => one.status >= 400)
  if (odd !== undefined) throw new Error(JSON.stringify(odd))
  for (const _ of beside)
    await Promise.all([
      ask('POST', `/v1/volumes/kept/attach${at}`, { system: `${account}-stop` }),
      ask('DELETE', `/v1/volumes/kept${at}`),
      ask('DELETE', `/v1/ssh-keys/kept${at}`),
      ask('DELETE', `/v1/firewalls/kept${at}`),
      ask('DELETE', `/v1/snapshots/kept-${account}`),
    ])
  await until(`each has been met at ${account}`, async () => {
    // An account whose key was refused waits for somebody to try it.
    const { body } = await ask('GET', `/v1/accounts/${account}`)
    if (body['parked'] !== null) await ask('POST', `/v1/accounts/${account}/verify`, {})
    return !faults.left().some(one => one.action === destroy)
  })
}

import type { Fault, Mishap } from '../../stand-ins/shared/faults.ts'
import type { CanaryStage } from './stage.ts'
import { systemBody, type AccountName } from './verbs.ts'

/** What makes, ends or parts things, as each stand-in calls it: what only looks goes well, so a verb comes as far as this. */
const actions = {
  aws: [
    'RunInstances',
    'TerminateInstances',
    'AttachVolume',
    'DetachVolume',
    'DeleteVolume',
    'DeregisterImage',
    'DeleteSnapshot',
    'DeleteSecurityGroup',
    'DeleteKeyPair',
  ],
  do: [
    'droplets.create',
    'droplets.delete',
    'tags.delete',
    'volumes.act',
    'volumes.delete',
    'snapshots.delete',
    'firewalls.delete',
    'keys.delete',
  ],
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

/** The faults of all that makes, ends or parts things. */
export const awayFaults = <A>(account: AccountName, does: Mishap<A>): Fault<A>[] =>
  actions[account].map(action => ({ action, nth: 'all', does }))

/** Makes and ends a machine, and ends what stands beside machines, until the refusal of it has been met. */
export const askAway = async (
  { ask, service, until }: CanaryStage,
  account: AccountName,
  round: number,
): Promise<void> => {
  const [at, name] = [`?account=${account}`, `${account}-gone-${round}`]
  // What an account was refused in an earlier round is forgotten.
  await until(
    `${account} is good again`,
    async () => (await ask('POST', `/v1/accounts/${account}/verify`, {})).status === 200,
  )
  await ask('DELETE', `/v1/systems/${name}`)
  await ask('POST', '/v1/systems', systemBody(account, `made-${round}`))
  await Promise.all([
    ask('POST', `/v1/volumes/kept/${round % 2 === 0 ? 'attach' : 'detach'}${at}`, { system: `${account}-stop` }),
    ask('DELETE', `/v1/volumes/kept${at}`),
    ask('DELETE', `/v1/ssh-keys/kept${at}`),
    ask('DELETE', `/v1/firewalls/kept${at}`),
    ask('DELETE', `/v1/snapshots/kept-${account}`),
  ])
  const met = async (one: string, over: readonly string[]): Promise<boolean> => {
    const { phase, reason } = await service.system(one)
    return over.includes(phase) || reason !== null
  }
  await until(`${name} is refused, or gone`, () => met(name, ['gone']))
  await until('what was to be made is refused, or there', () => met(`${account}-made-${round}`, ['ready', 'failed']))
}

import type { System } from '@re-ops/protocols'
import { canaries, type CanaryStage } from './stage.ts'

const publicKey = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'a'.repeat(43)}`
const rule = { direction: 'in', protocol: 'tcp', ports: '22', peers: ['0.0.0.0/0'] }

/** Each is asked of a system of its own. */
export const verbs = ['start', 'stop', 'reboot', 'resize', 'label', 'rename', 'snapshot', 'lease', 'reload', 'destroy']

/** What asks for a system with a secret in what it is given. */
export const systemBody = (account: string, what: string): object => {
  const options = { userData: `#cloud-config\n# ${canaries['user-data']}\n` }
  return { name: `${account}-${what}`, account, readiness: 'none', options }
}

/** Systems of an account, made while nothing is wrong. */
export const makeSystems = async (
  { ask, service, until }: CanaryStage,
  account: string,
  names: readonly string[],
): Promise<void> => {
  for (const one of names) {
    const reply = await ask('POST', '/v1/systems', systemBody(account, one))
    if (reply.status !== 202) throw new Error(JSON.stringify(reply))
  }
  await until(`machines of ${account} are ready`, async () =>
    (await service.systems()).filter(one => one.account === account).every(one => one.phase === 'ready'),
  )
}

/** One of each account whose agent never calls home: the tokens it was to do it with. */
export const enrolmentTokens = async (stage: CanaryStage): Promise<string[]> => {
  const { ask, ec2, droplets, until } = stage
  for (const account of ['aws', 'do']) await ask('POST', '/v1/systems', { name: `${account}-agent`, account })
  return until('both have machines that were given a token', async () => {
    const given = [...ec2.state.machines.values()].map(one => Buffer.from(one.userData ?? '', 'base64').toString())
    given.push(...[...droplets.cloud().droplets.values()].map(one => one.userData ?? ''))
    const found = given.flatMap(text => /\bre1\.([A-Za-z0-9_-]{43})/.exec(text)?.[1] ?? [])
    return found.length === 2 && found
  })
}

const larger = { aws: 'medium', do: 'medium' } as const
export type AccountName = keyof typeof larger

/** Each verb of a system that is there; what is refused because another is under way does no harm. */
export const askAll = async ({ ask }: CanaryStage, account: AccountName, round: number): Promise<void> => {
  const of = (verb: string) => `/v1/systems/${account}-${verb}`
  await ask('POST', `${of('start')}/${round % 2 === 0 ? 'stop' : 'start'}`, round % 2 === 0 ? { force: true } : {})
  await ask('POST', `${of('stop')}/stop`, { force: true })
  await ask('POST', `${of('reboot')}/reboot`, {})
  await ask('POST', `${of('resize')}/resize`, { size: round % 2 === 0 ? larger[account] : 'small', force: true })
  await ask('PATCH', of('label'), { labels: { round: String(round) } })
  await ask('POST', `${of('snapshot')}/snapshots`, { name: `snap-${account}-${round}` })
  await ask('POST', `${of('lease')}/lease`, { forMs: 3_600_000 * (round + 1) })
  await ask('POST', `${of('reload')}/reload`, {})
  const userData = { userData: 'secret:user-data/web' }
  await ask('POST', '/v1/systems', { name: `${account}-new-${round}`, account, readiness: 'none', options: userData })
}

/** Calls that wait for the provider's answer. */
export const askBeside = async ({ ask }: CanaryStage, account: AccountName, round: number): Promise<void> => {
  const at = `?account=${account}`
  await Promise.all([
    ask('POST', `/v1/accounts/${account}/verify`, {}),
    ask('GET', `/v1/providers/${account === 'aws' ? 'ec2' : 'digitalocean'}/catalog${at}`),
    ask('PUT', `/v1/volumes/data-${round}${at}`, { sizeGb: 1 }),
    ask('GET', `/v1/volumes${at}`),
    ask('PUT', `/v1/ssh-keys/ann${at}`, { publicKey }),
    ask('PUT', `/v1/firewalls/web${at}`, { rules: [rule] }),
    ask('GET', '/v1/costs'),
    ask('POST', '/v1/systems/plan', { name: 'plan', account }),
  ])
}

/** Every verb that was taken has met the provider: it is over, or says why it waits. */
export const allMet = async ({ service }: CanaryStage): Promise<boolean> =>
  (await service.systems()).every((one: System) => one.reason !== null || settled.has(one.phase))
const settled: ReadonlySet<string> = new Set(['ready', 'stopped', 'gone', 'failed', 'lost'])

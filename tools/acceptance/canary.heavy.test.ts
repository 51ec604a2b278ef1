import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Fault, Mishap } from '../stand-ins/shared/faults.ts'
import { findIn } from './canary/forms.ts'
import { canaries, openCanaryStage, type CanaryStage } from './canary/stage.ts'
import { allMet, askAll, askBeside, enrolmentTokens, makeSystems, verbs } from './canary/verbs.ts'

let stage: CanaryStage
let enrolments: readonly string[] = []
beforeAll(async () => {
  stage = await openCanaryStage()
  await stage.start()
}, 180_000)
afterAll(() => stage?.stop())

const settle = { timeout: 120_000 }
const token = canaries['token of DigitalOcean']
const ec2Codes = [
  'AuthFailure',
  'UnauthorizedOperation',
  'RequestLimitExceeded',
  'InsufficientInstanceCapacity',
  'VcpuLimitExceeded',
  'InternalError',
  'IncorrectInstanceState',
  'IdempotentParameterMismatch',
  'InvalidParameterValue',
]
/** A server that says in its refusals what it was sent. */
const doStatuses = [400, 401, 403, 404, 409, 422, 429, 500, 503]
const lost = ['drop-before', 'drop-after'] as const

const account = (name: string, provider: string, secret: string, settings: object, region = 'nyc3') =>
  stage.ask('PUT', `/v1/accounts/${name}`, { provider, regions: [region], secret, settings })

describe('secrets in every place where one is given', () => {
  test('accounts and user-data are taken, and machines are made of them', async () => {
    const { ask, ec2, droplets, file, until } = stage
    const key = `AKIATEST:${canaries['secret key of EC2']}`
    await ask('PUT', '/v1/secrets/aws', { value: key })
    await ask('PUT', '/v1/secrets/user-data%2Fweb', {
      value: `#cloud-config\n# ${canaries['user-data by reference']}\n`,
    })
    const saved = async (...of: Parameters<typeof account>) =>
      until(`${of[0]} is saved`, async () => (await account(...of)).status === 200)
    await saved('aws', 'ec2', 'secret:aws', { endpoint: ec2.url }, ec2.setup.region)
    await saved('do', 'digitalocean', file('do', token), { endpoint: droplets.url })
    await makeSystems(stage, 'aws', verbs)
    await makeSystems(stage, 'do', verbs)
    expect(ec2.alive()).toHaveLength(verbs.length)
    expect(droplets.cloud().droplets.size).toBe(verbs.length)
    enrolments = await enrolmentTokens(stage)
  }, 120_000)

  test('what is refused is refused without its text', async () => {
    const { ask, ec2, file } = stage
    const bad = canaries['what a bad request held']
    const url = `qemu+ssh://ops:${canaries['password in a libvirt URI']}@192.0.2.1/system`
    const replies = [
      await account('file', 'ec2', file('bad', canaries['a file that is no key']), { endpoint: ec2.url }),
      await account('kvm', 'kvm', 'secret:none', { uri: url }),
      await ask('PUT', '/v1/accounts/kvm', { provider: 'kvm', regions: ['here'], settings: { uri: url } }),
      await ask('PUT', '/v1/accounts/kvm', { provider: 'kvm', regions: ['a'], settings: { uris: { a: url } } }),
      await account('bad', 'ec2', bad, {}),
      await account('bad', 'ec2', 'secret:aws', { secretAccessKey: bad }),
      await account('bad', 'ec2', 'secret:aws', { endpoint: bad }),
      await account('bad', 'ec2', `secret:${bad}`, { endpoint: ec2.url }),
      await ask('PUT', '/v1/secrets/bad', { value: { [bad]: bad } }),
      await ask('PUT', '/v1/secrets/bad', { secret: bad }),
      await ask('PUT', '/v1/secrets/bad', `{"value": "${bad}`),
      await ask('POST', '/v1/systems', { name: 'bad', account: 'aws', options: { userData: bad } }),
      await ask('POST', '/v1/systems', { name: 'bad', account: 'aws', options: { userData: { bad } } }),
      await ask('POST', '/v1/systems', { name: 'bad', account: 'aws', options: { password: bad } }),
      await ask('GET', '/v1/systems', undefined, canaries['a bearer token that is none']),
      await ask('GET', `/v1/systems?token=${encodeURIComponent(bad)}`, undefined, 'eyJ.eyJ.none'),
      await ask('GET', `/v1/nothing?token=${encodeURIComponent(bad)}`),
    ]
    expect(replies.filter(one => one.status < 400)).toEqual([])
  }, 60_000)
})

const strike = async (does: Mishap<never>, round: number): Promise<void> => {
  const { ec2, droplets, until } = stage
  const all = (one: Mishap<never>): Fault<never> => ({ action: '*', nth: 'all', does: one })
  ec2.faults.add(all(does))
  droplets.faults.add(all(does))
  await Promise.all((['aws', 'do'] as const).flatMap(one => [askAll(stage, one, round), askBeside(stage, one, round)]))
  await until('every verb has met it', () => allMet(stage))
}
const mend = () => {
  stage.ec2.faults.clear()
  stage.droplets.faults.clear()
}

describe('whatever goes wrong', () => {
  test.each(ec2Codes.map((code, n) => [code, doStatuses[n] ?? 500, n] as const))(
    '%s of EC2 and %i of DigitalOcean, whatever is asked',
    async (code, status, round) => {
      const { droplets, ec2 } = stage
      const answer = { status, id: 'refused', message: `refused: Bearer ${token}, ${token}` }
      droplets.faults.add({ action: '*', nth: 'all', does: { answer } })
      ec2.faults.add({ action: '*', nth: 'all', does: { answer: code } })
      for (const one of ['aws', 'do'] as const)
        await Promise.all([askAll(stage, one, round), askBeside(stage, one, round)])
      await stage.until('every verb has met it', () => allMet(stage))
      mend()
    },
    settle.timeout,
  )

  test.each(lost.map((does, n) => [does, n] as const))(
    'answers that are lost (%s)',
    async (does, n) => {
      await strike(does, ec2Codes.length + n)
      mend()
    },
    settle.timeout,
  )

  test('no answer at all until the deadline; and re-core killed (-9) meanwhile', async () => {
    const { ec2, droplets, service, start, until } = stage
    for (const fake of [ec2, droplets]) fake.faults.add({ action: '*', nth: 'all', does: 'hang' })
    const [round, asked] = [ec2Codes.length + lost.length, droplets.faults.asked().length]
    await Promise.all((['aws', 'do'] as const).map(one => askBeside(stage, one, round)))
    for (const one of ['aws', 'do'] as const) await askAll(stage, one, round)
    await until('it asks', async () => droplets.faults.asked().length > asked)
    await service.end('SIGKILL')
    mend()
    await start()
    for (const one of verbs) for (const name of ['aws', 'do']) await stage.ask('DELETE', `/v1/systems/${name}-${one}`)
    for (const one of await service.systems()) await stage.ask('DELETE', `/v1/systems/${one.id}`)
    // Rows wait longer, until no late create can land any more.
    await until('no machine is left', async () => ec2.alive().length + droplets.cloud().droplets.size === 0)
    await until('every verb is over or waits', () => allMet(stage))
  }, 180_000)
})

test('none of them stands in a log, a row, a reply, an event, a metric or on the command line', async () => {
  const { ask, reops, metrics, rows, service, said } = stage
  const lists = ['systems', 'jobs', 'accounts', 'secrets', 'notices', 'freezes', 'leases', 'snapshots', 'words']
  for (const one of lists) await ask('GET', `/v1/${one}`)
  await metrics()
  for (const args of ['systems list --json', 'jobs list --json', 'accounts list', 'accounts show do', 'secrets list'])
    await reops(args.split(' '))
  await reops(['systems', 'list'], { REOPS_TOKEN: canaries['a bearer token that is none'] })
  const all: Readonly<Record<string, string>> = {
    logs: service.output.join(''),
    rows: await rows(),
    'replies, events and the command line': said.join('\n'),
    're-mote': JSON.stringify(service.mote.seen),
  }
  const [ofEc2 = '', ofDo = ''] = enrolments
  const tokens = { 'an API token': await service.tokenFor('admin'), 'an enrolment token': ofEc2, 'another one': ofDo }
  const secrets = { ...canaries, ...tokens }
  for (const one of Object.values(secrets)) expect(one.length).toBeGreaterThan(15)
  for (const [where, text] of Object.entries(all)) {
    expect(text.length).toBeGreaterThan(500)
    expect([where, findIn(text, secrets)]).toEqual([where, []])
  }
}, 120_000)

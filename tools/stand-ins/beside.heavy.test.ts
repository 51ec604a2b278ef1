import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Job, System } from '@re-ops/protocols'
import { makeService, testDatabase, until, type TestService } from '@re-ops/re-core/testing'
import { startFakeDigitalOcean, type FakeDigitalOcean } from './digitalocean/fake.ts'
import { startFakeEc2, type FakeEc2 } from './ec2/fake.ts'

/** re-core as the process it is, with accounts at two clouds: systems that are asked for with what stands beside them. */
const patienceMs = 90_000
const publicKey = `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${'a'.repeat(43)}`
const rules = [{ direction: 'in', protocol: 'tcp', ports: '22', peers: ['0.0.0.0/0'] }]

type Account = 'aws' | 'do'
let database: Awaited<ReturnType<typeof testDatabase>>
let service: TestService
let ec2: FakeEc2
let droplets: FakeDigitalOcean
beforeAll(async () => {
  const delays = { bootMs: 200, stopMs: 100, terminateMs: 100, lagMs: 0, tombstoneMs: 3_600_000 }
  ;[ec2, droplets, database] = await Promise.all([
    startFakeEc2({ setup: { delays } }),
    startFakeDigitalOcean(),
    testDatabase(),
  ])
  service = await makeService(await database.fresh())
  await service.start({ AWS: 'AKIATEST:secret', DO: droplets.token })
  const settings = (url: string) => ({ settings: { endpoint: url } })
  await saved('aws', { provider: 'ec2', regions: [ec2.setup.region], secret: 'env:AWS', ...settings(ec2.url) })
  await saved('do', { provider: 'digitalocean', regions: ['fra1'], secret: 'env:DO', ...settings(droplets.url) })
})
afterAll(async () => {
  await service.stop()
  await Promise.all([ec2.stop(), droplets.stop(), database.stop()])
})

const ask = async (method: string, path: string, body?: object) => {
  const reply = await service.ask(method, path, body ? { body } : {})
  return { status: reply.status, detail: reply.body['detail'], body: reply.body }
}
/** The first call of a provider loads its client, which on a busy machine outlasts the deadline of one request. */
const saved = (name: string, account: object) =>
  until(
    `account ${name} is saved`,
    async () => (await ask('PUT', `/v1/accounts/${name}`, account).catch(() => null))?.status === 200,
    patienceMs,
  )
const ended = (job: string): Promise<Job> =>
  until(
    `job ${job} is over`,
    async () => {
      const now = await service.job(job)
      return now.finishedAt !== null && now
    },
    patienceMs,
  )
const jobOf = (reply: { body: Record<string, unknown> }): string =>
  (reply.body['jobs'] as Job[] | undefined)?.[0]?.id ?? (reply.body['id'] as string)
const create = async (name: string, account: string, options: object) => {
  const made = await ask('POST', '/v1/systems', { name, account, readiness: 'none', options })
  expect(made).toMatchObject({ status: 202 })
  return { job: jobOf(made), systems: made.body['systems'] as System[] }
}
const destroyed = async (name: string, query = '') => {
  const { state } = await ended(jobOf(await ask('DELETE', `/v1/systems/${name}${query}`)))
  expect(state).toBe('done')
}
/** Volumes by what the cloud itself has, past the provider: name, GB, machine. */
const volumesAt = (account: Account): (readonly [string, number, string | null])[] =>
  account === 'aws'
    ? [...ec2.state.disks.values()].flatMap(one => {
        const name = ec2.state.tags.get(one.id)?.get('recore:volume')
        return name === undefined ? [] : [[name, one.sizeGb, one.attachedTo] as const]
      })
    : [...droplets.cloud().volumes.values()].map(
        one => [one.name, one.gigabytes, one.droplet === null ? null : String(one.droplet)] as const,
      )
/** Machines that a firewall holds for. */
const protectedBy = (account: Account, name: string): string[] => {
  if (account === 'do') {
    const wall = [...droplets.cloud().firewalls.values()].find(one => one.name === name)
    return (wall?.droplets ?? []).map(String)
  }
  const group = [...ec2.state.groups.values()].find(one => one.name === name)
  return ec2.alive().flatMap(one => (group !== undefined && one.groups.includes(group.id) ? [one.id] : []))
}

const accounts = ['aws', 'do'] as const
/** At both clouds side by side, for most of it is waiting; an error says at which. */
const both = (work: (account: Account, name: (what: string) => string) => Promise<void>): Promise<void[]> =>
  Promise.all(
    accounts.map(account =>
      work(account, what => `${what}-${account}`).catch((error: unknown) => {
        throw new Error(`at account ${account}: ${(error as Error).message}`, { cause: error })
      }),
    ),
  )
const at = (account: Account) => `?account=${account}`
const namesAt = (account: Account): string[] => volumesAt(account).map(([name]) => name)

test('volumes, firewalls and keys are in place before a system is ready; a reload keeps its volumes, destroy takes them', () =>
  both(async (account, name) => {
    expect(await ask('PUT', `/v1/firewalls/web${at(account)}`, { rules })).toMatchObject({ status: 200 })
    expect(await ask('PUT', `/v1/ssh-keys/ann${at(account)}`, { publicKey })).toMatchObject({ status: 200 })
    const own = name('full')
    const options = { volumes: [{ sizeGb: 10 }, { sizeGb: 20, name: name('data') }], firewalls: ['web'], keys: ['ann'] }
    const { job, systems } = await create(own, account, options)
    const named = [
      { name: `${own}-disk-1`, sizeGb: 10 },
      { name: name('data'), sizeGb: 20 },
    ]
    expect(systems[0]?.options).toEqual({ ...options, volumes: named })
    expect(await ended(job)).toMatchObject({ state: 'done', error: null })
    const { ref } = await service.system(own)
    const there = (machine: string | null) => named.map(one => [one.name, one.sizeGb, machine])
    expect(volumesAt(account)).toEqual(there(ref))
    expect(protectedBy(account, 'web')).toEqual([ref])
    if (account === 'aws') expect(ec2.state.machines.get(ref ?? '')?.keyName).toBe('ann')
    await ended(jobOf(await ask('POST', `/v1/systems/${own}/reload`, {})))
    const next = (await service.system(own)).ref
    expect(next).not.toBe(ref)
    expect(volumesAt(account)).toEqual(there(next))
    expect(protectedBy(account, 'web')).toEqual([next])
    await destroyed(own)
    expect([volumesAt(account), protectedBy(account, 'web')]).toEqual([[], []])
  }))

test.each<[string, object, number, string]>([
  ['a firewall', { firewalls: ['none'] }, 422, '/body/options/firewalls/0 is none; the account has: web'],
  ['a key', { keys: ['bob'] }, 422, '/body/options/keys/0 is bob; the account has: ann'],
  ['a size', { volumes: [{ sizeGb: 0 }] }, 400, '/body/options/volumes/0/sizeGb'],
  ['a name', { volumes: [{ sizeGb: 1, name: 'Da_ta' }] }, 400, '/body/options/volumes/0/name'],
  ['a name twice', { volumes: [1, 1].map(sizeGb => ({ sizeGb, name: 'data' })) }, 422, '/volumes/1/name is data, and'],
])('what does not fit is named before anything is made: %s', (_what, options, status, words) =>
  both(async account => {
    const asked = { name: 'never', account, readiness: 'none', options }
    expect(await ask('POST', '/v1/systems', asked)).toMatchObject({ status, detail: expect.stringContaining(words) })
  }),
)

test('a volume that is there is nobody else’s', () =>
  both(async account => {
    expect(await ask('PUT', `/v1/volumes/theirs${at(account)}`, { sizeGb: 1 })).toMatchObject({ status: 200 })
    const options = { volumes: [{ sizeGb: 1, name: 'theirs' }] }
    const asked = { name: 'never', account, readiness: 'none', options }
    const refused = await ask('POST', '/v1/systems', asked)
    expect(refused).toMatchObject({ status: 409, detail: expect.stringContaining('there is a volume theirs already') })
    expect(await ask('DELETE', `/v1/volumes/theirs${at(account)}`)).toMatchObject({ status: 200 })
  }))

describe('35: the second volume', () => {
  const actions = { aws: 'CreateVolume', do: 'volumes.create' } as const
  const cloud = (account: Account) => (account === 'aws' ? ec2 : droplets)
  const second = (account: Account, does: 'drop-before' | 'drop-after' | 'hang') =>
    cloud(account).faults.add({ action: actions[account], nth: 2, does })
  const two = { volumes: [{ sizeGb: 1 }, { sizeGb: 2 }] }
  /** Each once, at its machine. */
  const whole = async (account: Account, own: string) => {
    const { ref } = await service.system(own)
    const mine = volumesAt(account).filter(([name]) => name.startsWith(`${own}-`))
    expect(mine).toEqual([1, 2].map(n => [`${own}-disk-${n}`, n, ref]))
  }

  test.each(['drop-before', 'drop-after'] as const)('broken off (%s): converges to one of each', does =>
    both(async (account, name) => {
      second(account, does)
      const own = name(does)
      expect(await ended((await create(own, account, two)).job)).toMatchObject({ state: 'done' })
      await whole(account, own)
    }),
  )

  test('refused for good: the job says which it is, and what is in place stays', () =>
    both(async (account, name) => {
      const action = actions[account]
      if (account === 'aws') ec2.faults.add({ action, nth: 2, does: { answer: 'InvalidParameterValue' } })
      else droplets.faults.add({ action, nth: 2, does: { answer: { status: 422, id: 'unprocessable_entity' } } })
      const own = name('refused')
      const job = await ended((await create(own, account, two)).job)
      expect(job).toMatchObject({ state: 'failed', error: expect.stringContaining(`volume ${own}-disk-2 (2 of 2): `) })
      const { ref } = await service.system(own)
      expect(volumesAt(account)).toContainEqual([`${own}-disk-1`, 1, ref])
      expect(namesAt(account)).not.toContain(`${own}-disk-2`)
    }))

  test('re-core killed in the middle of it: the next one makes none twice', async () => {
    const jobs = new Map<Account, string>()
    await both(async (account, name) => {
      second(account, 'hang')
      jobs.set(account, (await create(name('killed'), account, two)).job)
      await until('the second one is asked for', async () => cloud(account).faults.left().length === 0, patienceMs)
    })
    await service.end('SIGKILL')
    for (const account of accounts) cloud(account).faults.clear()
    await service.start({ AWS: 'AKIATEST:secret', DO: droplets.token })
    await both(async (account, name) => {
      expect(await ended(jobs.get(account) ?? '')).toMatchObject({ state: 'done' })
      await whole(account, name('killed'))
    })
  })

  test('destroy removes exactly what was made; with keepVolumes they stay, like any other volume', () =>
    both(async (account, name) => {
      const gone = ['drop-before', 'drop-after', 'refused'].map(name)
      await Promise.all([...gone.map(own => destroyed(own)), destroyed(name('killed'), '?keepVolumes=true')])
      const kept = [1, 2].map(n => [`${name('killed')}-disk-${n}`, n, null] as const)
      expect(volumesAt(account)).toEqual(kept)
      for (const [volume] of kept)
        expect(await ask('DELETE', `/v1/volumes/${volume}${at(account)}`)).toMatchObject({ status: 200 })
      expect(volumesAt(account)).toEqual([])
    }))
})

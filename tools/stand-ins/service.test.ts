import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Estimate, System, SystemsPlan } from '@re-ops/protocols'
import { makeService, testDatabase, until, type TestService } from '@re-ops/re-core/testing'
import { testPool } from '@re-ops/service/testing'
import type { Pool } from 'pg'
import { startFakeDigitalOcean, type FakeDigitalOcean } from './digitalocean/fake.ts'
import { startFakeEc2, type FakeEc2 } from './ec2/fake.ts'
import { defaultSetup } from './ec2/state.ts'

/** re-core as the process it is, with an account at each of two clouds that cost nothing. */
const patienceMs = 60_000
const canary = 'canary-Zq8-of-user-data'
const key = 'canary-Zq8-of-a-key'
const userData = `#cloud-config\nruncmd: [['echo', '${canary}']]\n`

let database: Awaited<ReturnType<typeof testDatabase>>
let service: TestService
let pool: Pool
let ec2: FakeEc2
let droplets: FakeDigitalOcean
beforeAll(async () => {
  const sizes = [...defaultSetup().sizes, { name: 'x9.mega', vcpus: 900, memoryMb: 1_024_000 }]
  ;[ec2, droplets, database] = await Promise.all([
    startFakeEc2({ setup: { sizes } }),
    startFakeDigitalOcean(),
    testDatabase(),
  ])
  const url = await database.fresh()
  pool = testPool(url)
  service = await makeService(url)
  await service.start()
})
afterAll(async () => {
  await service.stop()
  await pool.end()
  await Promise.all([ec2.stop(), droplets.stop(), database.stop()])
})

const ask = async (method: string, path: string, body?: object, token?: string) => {
  const reply = await service.ask(method, path, { ...(body ? { body } : {}), ...(token ? { token } : {}) })
  return { status: reply.status, detail: reply.body['detail'], body: reply.body }
}
/** The first call of a provider loads its client, which on a busy machine outlasts the deadline of one request. */
const saved = (name: string, account: object) =>
  until(
    `account ${name} is saved`,
    async () => {
      const reply = await ask('PUT', `/v1/accounts/${name}`, account).catch(() => null)
      return reply?.status === 200 && reply
    },
    patienceMs,
  )
/** All that stands in Postgres of what people may read, sealed columns as they are. */
const stored = async (): Promise<string> => {
  const texts: string[] = []
  for (const table of ['system', 'job', 'user_data', 'word', 'account', 'secret', 'idempotency'])
    texts.push(...(await pool.query<{ t: string }>(`select t::text as t from core.${table} t`)).rows.map(row => row.t))
  return texts.join('\n')
}

describe('secrets that re-core keeps', () => {
  test('an account works with secret:NAME; the secret is never answered, and stays while it is named', async () => {
    expect((await ask('PUT', '/v1/secrets/aws', { value: `AKIATEST:${key}\n` })).body).toEqual({
      name: 'aws',
      version: 1,
    })
    const account = {
      provider: 'ec2',
      regions: [ec2.setup.region],
      secret: 'secret:aws',
      settings: { endpoint: ec2.url },
    }
    expect((await saved('aws', account)).body).toMatchObject({ secret: 'secret:aws', problem: null })
    await ask('PUT', '/v1/secrets/do', { value: droplets.token })
    const other = {
      provider: 'digitalocean',
      regions: ['fra1'],
      secret: 'secret:do',
      settings: { endpoint: droplets.url },
    }
    expect((await saved('do', other)).status).toBe(200)
    expect((await ask('DELETE', '/v1/secrets/aws')).detail).toBe('aws is named by account aws')
    const listed = await ask('GET', '/v1/secrets')
    expect(listed.body).toEqual([
      { name: 'aws', version: 1 },
      { name: 'do', version: 1 },
    ])
    expect(await stored()).not.toContain(key)
  })
  test('a reference to nothing is told by its name alone', async () => {
    const account = {
      provider: 'ec2',
      regions: [ec2.setup.region],
      secret: 'secret:none',
      settings: { endpoint: ec2.url },
    }
    const refused = await ask('PUT', '/v1/accounts/none', account)
    expect([refused.status, refused.detail]).toEqual([422, expect.stringContaining('secret:none does not exist')])
    const relative = await ask('PUT', '/v1/accounts/none', { ...account, secret: 'file:aws' })
    expect(relative.detail).toBe('secret is file:aws; allowed: an absolute path at re-core, as file:/etc/re-ops/ec2')
  })
  test('what stands beside machines is asked of an account, and with several of one that is named', async () => {
    const asked = ['volumes', 'ssh-keys', 'firewalls'].map(what => ask('GET', `/v1/${what}`))
    for (const reply of await Promise.all(asked))
      expect([reply.status, reply.detail]).toEqual([422, 'account is not given; allowed: aws, do'])
  })
})

describe('user-data', () => {
  const userDataOf = (name: string) =>
    until(
      `${name} is made`,
      async () => {
        const { ref } = await service.system(name)
        const sent = ref === null ? null : ec2.state.machines.get(ref)?.userData
        return sent ? Buffer.from(sent, 'base64').toString() : null
      },
      patienceMs,
    )

  test('reaches the machine beside our own part, and stands in no row, answer or log', async () => {
    const asked = { name: 'told', account: 'aws', options: { userData } }
    const made = await ask('POST', '/v1/systems', asked)
    expect([made.status, (made.body['systems'] as System[])[0]?.options]).toEqual([202, { userData: 'sealed' }])
    const sent = await userDataOf('told')
    expect(sent).toContain(canary)
    expect(sent).toContain('/var/lib/re-gent/config.json')
    expect(sent).toMatch(/^Content-Type: multipart\/mixed/)
    const planned = await ask('POST', '/v1/systems/plan', { ...asked, name: 'not' })
    const shown = await Promise.all(['/v1/systems', '/v1/jobs', '/v1/costs'].map(path => ask('GET', path)))
    const all = [JSON.stringify([made, planned, shown]), await stored(), service.output.join('')].join('\n')
    expect(all).not.toContain(canary)
    expect(all).not.toContain(Buffer.from(userData).toString('base64').slice(0, 40))
  })
  test('of a secret meant for it anyone who may create takes it; other secrets and files only an admin', async () => {
    await ask('PUT', '/v1/secrets/user-data%2Fweb', { value: userData })
    const writer = await service.tokenFor('systems:write')
    const create = (name: string, reference: string, token?: string) =>
      ask('POST', '/v1/systems', { name, account: 'aws', readiness: 'none', options: { userData: reference } }, token)
    const made = await create('web', 'secret:user-data/web', writer)
    expect((made.body['systems'] as System[])[0]?.options).toEqual({ userData: 'secret:user-data/web' })
    expect(await userDataOf('web')).toBe(userData)
    for (const reference of ['secret:aws', 'file:/etc/hostname', 'env:PATH']) {
      const refused = await create('thief', reference, writer)
      expect([refused.status, refused.detail]).toEqual([403, expect.stringContaining('allowed: secret:user-data/NAME')])
    }
    expect(await create('none', 'secret:user-data/none')).toMatchObject({ status: 422 })
  })
  test.each([
    ['too long for EC2', { userData: `#cloud-config\n#${'x'.repeat(16_384)}` }, 422, 'allowed of provider ec2: 16384'],
    ['too long for anyone', { userData: `#${'x'.repeat(65_536)}` }, 400, '/body/options/userData'],
    ['no form of cloud-init', { userData: 'hello' }, 422, '/options/userData begins with none of: #cloud-config'],
  ])('%s is refused without its text', async (_what, options, status, words) => {
    const refused = await ask('POST', '/v1/systems', { name: 'a', account: 'aws', options })
    expect([refused.status, refused.detail]).toEqual([status, expect.stringContaining(words)])
    expect(JSON.stringify(refused.body)).not.toContain('xxxx')
  })
})

describe('prices', () => {
  const plan = async (body: object) => (await ask('POST', '/v1/systems/plan', body)).body as unknown as SystemsPlan
  test('at EC2 from the dated file, its disk also while it is stopped; a size that is not in it has none and says so', async () => {
    const { cost, values } = await plan({ name: 'a', account: 'aws', size: 'small', count: 2 })
    expect(values).toContainEqual({ path: 'size', value: 't3.small', from: 'size small' })
    expect(cost).toMatchObject({ count: 2, each: { at: expect.stringMatching(/^20/), why: null } })
    const { hourly, hourlyStopped } = cost.each
    expect([hourly, hourlyStopped]).toEqual([expect.closeTo(0.025, 3), expect.closeTo(0.001, 3)])
    const unknown = await plan({ name: 'a', account: 'aws', size: 'x9.mega' })
    expect(unknown.cost.each).toMatchObject({ hourly: null, why: expect.stringContaining('RECORE_PRICES') })
  })
  test('at DigitalOcean its own, of today, in the answer of POST as well; stopping saves nothing', async () => {
    const { cost } = await plan({ name: 'b', account: 'do', size: 'small' })
    expect(cost.each.hourly).toBeGreaterThan(0)
    expect(cost.each).toMatchObject({ hourlyStopped: cost.each.hourly, source: 'api.digitalocean.com' })
    const made = await ask('POST', '/v1/systems', { name: 'b', account: 'do', size: 'small', readiness: 'none' })
    expect((made.body['cost'] as Estimate).each).toEqual(cost.each)
    const running = (await ask('GET', '/v1/costs?system=b')).body as unknown as object[]
    expect(running).toMatchObject([{ name: 'b', each: { hourly: cost.each.hourly } }])
  })
})

test.each([
  [
    'aws',
    't9.small',
    /in eu-central-1: small, medium, large, xlarge or one of its 8 sizes, as t3\.small, t4g\.small \(/,
  ],
  ['do', 's-9vcpu-9gb', /in fra1: small, medium, large, xlarge or one of its \d+ sizes, as s-1vcpu-/],
])(
  'a size that %s has not is refused with those that are like it, before anything is made',
  async (account, size, said) => {
    const name = `${account}-odd`
    const refused = await ask('POST', '/v1/systems', { name, account, size, readiness: 'none' })
    expect(refused).toMatchObject({ status: 422, detail: expect.stringMatching(said) })
    expect(refused.detail).toMatch(`size is ${size}; allowed of account ${account} `)
    expect((await ask('GET', `/v1/systems/${name}`)).status).toBe(404)
    await ask('POST', '/v1/systems', { name, account, readiness: 'none' })
    const resized = await ask('POST', `/v1/systems/${name}/resize`, { size, force: true })
    expect(resized).toMatchObject({ status: 422, detail: expect.stringMatching(said) })
    await ask('DELETE', `/v1/systems/${name}`)
  },
)

describe('what stands beside machines', () => {
  const at = '?account=aws'
  const machine = async (name: string) =>
    until(
      `${name} has a machine`,
      async () => {
        const { ref } = await service.system(name)
        return ref !== null && ec2.state.machines.get(ref)?.state === 'running' ? ref : null
      },
      patienceMs,
    )

  test('a volume is one by its name, is attached to a system, grows, and outlives the system', async () => {
    await ask('POST', '/v1/systems', { name: 'disky', account: 'aws', readiness: 'none' })
    const ref = await machine('disky')
    const zone = ec2.state.machines.get(ref)?.zone
    const put = (sizeGb: number) => ask('PUT', `/v1/volumes/data${at}`, { sizeGb, zone })
    const made = await Promise.all([put(10), put(10)])
    // Of two at once one may only hear that it is under way.
    for (const { status } of made) expect([200, 202]).toContain(status)
    const one = () => ask('GET', `/v1/volumes/data${at}`)
    await until('it is made', async () => (await one()).body['state'] === 'ready', patienceMs)
    expect((await ask('GET', `/v1/volumes${at}`)).body).toEqual([(await one()).body])
    expect([...ec2.state.tags.values()].filter(tags => tags.get('recore:volume') === 'data')).toHaveLength(1)
    await until('it is ready', async () => (await service.system('disky')).phase === 'ready', patienceMs)
    const attach = await ask('POST', `/v1/volumes/data/attach${at}`, { system: 'disky' })
    expect(attach).toMatchObject({ status: 202, body: { verb: 'attach', name: 'disky', input: { volume: 'data' } } })
    const job = String(attach.body['id'])
    await until('it is attached', async () => (await service.job(job)).state === 'done', patienceMs)
    const [attached] = (await ask('GET', `/v1/volumes${at}`)).body as unknown as object[]
    expect(attached).toMatchObject({ attachedTo: ref, system: 'disky', sizeGb: 10 })
    expect(await ask('DELETE', `/v1/volumes/data${at}`)).toMatchObject({ status: 409 })
    expect((await put(20)).body).toMatchObject({ sizeGb: 20 })
    expect(await put(5)).toMatchObject({ status: 422, detail: expect.stringContaining('cannot shrink') })
    await ask('DELETE', '/v1/systems/disky')
    await until('the machine is gone', async () => ec2.state.machines.get(ref)?.state === 'terminated', patienceMs)
    const left = await until(
      'the volume is free',
      async () => {
        const { body } = await one()
        return body['attachedTo'] === null && body
      },
      patienceMs,
    )
    expect(left).toMatchObject({ name: 'data', sizeGb: 20 })
    expect((await ask('DELETE', `/v1/volumes/data${at}`)).status).toBe(200)
    expect((await ask('GET', `/v1/volumes${at}`)).body).toEqual([])
  })
  test('keys and firewalls by name; a firewall has exactly the rules that were applied', async () => {
    const key = (letter: string) => ({ publicKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${letter.repeat(43)}` })
    const saved = await ask('PUT', '/v1/ssh-keys/ann?account=do', key('a'))
    expect((await ask('PUT', '/v1/ssh-keys/ann?account=do', key('a'))).body).toEqual(saved.body)
    expect(await ask('PUT', '/v1/ssh-keys/ann?account=do', key('b'))).toMatchObject({ status: 409 })
    expect((await ask('DELETE', '/v1/ssh-keys/ann?account=do')).status).toBe(200)
    const rule = (ports: string) => ({ direction: 'in', protocol: 'tcp', ports, peers: ['0.0.0.0/0'] })
    await ask('PUT', '/v1/firewalls/web?account=do', { rules: [rule('22'), rule('80')] })
    const walls = await ask('PUT', '/v1/firewalls/web?account=do', { rules: [rule('443'), rule('443')] })
    expect(walls.body['rules']).toEqual([rule('443')])
    expect((await ask('DELETE', '/v1/firewalls/web?account=do')).status).toBe(200)
    expect((await ask('GET', '/v1/firewalls?account=do')).body).toEqual([])
  })
  test.each<[string, string, string, object | undefined, number, string]>([
    ['a name', 'PUT', '/v1/volumes/Da_ta?account=aws', { sizeGb: 1 }, 400, '/params/volume'],
    ['a size', 'PUT', '/v1/volumes/data?account=aws', { sizeGb: 0 }, 400, '/body/sizeGb'],
    ['a zone', 'PUT', '/v1/volumes/data?account=aws', { sizeGb: 1, zone: 'mars-1a' }, 422, 'mars-1a'],
    ['a volume', 'DELETE', '/v1/volumes/none?account=aws', undefined, 404, 'no volume none in ec2/aws/'],
    ['no such thing there', 'GET', '/v1/volumes?provider=local', undefined, 422, 'provider local has no volumes'],
    ['a rule', 'PUT', '/v1/firewalls/web?account=do', { rules: [{ direction: 'up' }] }, 400, '/body/rules/0'],
    ['a key', 'PUT', '/v1/ssh-keys/ann?account=do', { publicKey: 'hello' }, 400, '/body/publicKey'],
  ])('what does not fit is named: %s', async (_what, method, path, body, status, words) => {
    expect(await ask(method, path, body)).toMatchObject({ status, detail: expect.stringContaining(words) })
  })
})

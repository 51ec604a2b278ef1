import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Job, ObservedVm, System, Unmanaged } from '@re-ops/protocols'
import {
  makeService,
  newOp,
  noLimiter,
  physicalDriver,
  testDatabase,
  until,
  type TestService,
} from '@re-ops/re-core/testing'
import { freePort, keygen, whyNoSshd } from '@re-ops/re-mote/testing'
import { startMachine, type PhysicalStandIn } from './physical/machine.ts'

const missing = whyNoSshd()
const describeWithSshd = missing === null ? describe : describe.skip
const patienceMs = 90_000

describeWithSshd(`physical machines${missing === null ? '' : ` (${missing})`}`, () => {
  let database: Awaited<ReturnType<typeof testDatabase>>
  let service: TestService
  let nas: PhysicalStandIn
  let otherKey: string
  /** A machine that is off. */
  let dark: object
  beforeAll(async () => {
    ;[database, nas] = await Promise.all([testDatabase(), startMachine()])
    const folder = mkdtempSync(join(tmpdir(), 'key-'))
    keygen(join(folder, 'id'), '-t', 'ed25519', '-N', '')
    otherKey = readFileSync(join(folder, 'id'), 'utf8')
    rmSync(folder, { recursive: true })
    dark = { ...nas.settings, port: await freePort() }
    service = await makeService(await database.fresh())
    await service.start()
    await service.ask('PUT', '/v1/secrets/lab', { body: { value: nas.key } })
    await service.ask('PUT', '/v1/secrets/other', { body: { value: otherKey } })
    await service.ask('PUT', '/v1/secrets/none', { body: { value: 'canary-of-no-key' } })
  })
  afterAll(async () => {
    await Promise.all([service?.stop(), nas?.stop()])
    await database?.stop()
  })

  const ask = async (method: string, path: string, body?: object) => {
    const reply = await service.ask(method, path, body === undefined ? {} : { body })
    return { status: reply.status, detail: reply.body['detail'], body: reply.body }
  }
  const account = (machines: object, more: object = {}) => ({
    provider: 'physical',
    regions: ['lab'],
    secret: 'secret:lab',
    settings: { machines },
    ...more,
  })
  const put = (body: object) => ask('PUT', '/v1/accounts/lab', body)
  const unmanaged = async () => (await ask('GET', '/v1/unmanaged?account=lab')).body as unknown as Unmanaged[]
  const done = async (reply: { status: number; body: Record<string, unknown> }): Promise<Job> => {
    expect(reply).toMatchObject({ status: 202 })
    const id = ((reply.body['job'] ?? reply.body) as Job).id
    const ended = await until(
      `job ${id} ends`,
      async () => {
        const job = await service.job(id)
        return job.finishedAt !== null && job
      },
      patienceMs,
    )
    expect(ended).toMatchObject({ state: 'done' })
    return ended
  }
  const phase = (name: string, wanted: System['phase']) =>
    until(`${name} is ${wanted}`, async () => (await service.system(name)).phase === wanted, patienceMs)
  const bring = (ref: string, name: string, more: object = {}) =>
    ask('POST', '/v1/systems/import', { account: 'lab', ref, name, ...more })

  describe('an account', () => {
    test.each<[string, object, RegExp]>([
      ['no address of an interface', { mac: 'aa:bb' }, /^settings\/machines\/nas\/mac must match .*six pairs of hexa/],
      [
        'no fingerprint',
        { hostKey: 'MD5:1' },
        /^settings\/machines\/nas\/hostKey must match .*ssh-keygen -lf shows it/,
      ],
      ['no port', { port: 0 }, /^settings\/machines\/nas\/port must be >= 1$/],
      [
        'a field nobody knows',
        { ip: '1' },
        /^settings\/machines\/nas\/ip unknown field; allowed are mac, address, port/,
      ],
    ])('with %s is refused, with the path and what is allowed', async (_, more, why) => {
      expect(await put(account({ nas: { ...nas.settings, ...more } }))).toMatchObject({
        status: 422,
        detail: expect.stringMatching(why),
      })
    })
    test.each<[string, object, RegExp]>([
      ['two regions', { regions: ['a', 'b'] }, /^regions is a, b; allowed of provider physical: one$/],
      ['no secret', { secret: undefined }, /^secret is not given/],
      ['no machines', { settings: {} }, /^settings must have required properties machines$/],
      ['a secret that is no key', { secret: 'secret:none' }, /the secret of an account .* is an SSH private key/],
      ['a key that is not let in', { secret: 'secret:other' }, /nas: .* does not let the account's key in$/],
    ])('with %s is refused', async (_, more, why) => {
      const reply = await put(account({ nas: nas.settings }, more))
      expect(reply).toMatchObject({ status: 422, detail: expect.stringMatching(why) })
      expect(JSON.stringify(reply)).not.toMatch(/canary|b3BlbnNzaC1rZXk/)
    })
    test('whose machine shows another host key is refused, and both keys are named', async () => {
      const hostKey = `SHA256:${'A'.repeat(43)}`
      const { status, detail } = await put(account({ nas: { ...nas.settings, hostKey } }))
      expect(status).toBe(422)
      expect(detail).toContain(`shows the host key ${nas.hostKeyType} ${nas.hostKey}; allowed by the settings'`)
      expect(detail).toContain(`machines.nas.hostKey: ${hostKey}`)
    })
    test('is saved when those that are on let us in; its machines are there to be imported', async () => {
      // A login on a busy machine may outlast the deadline of one request.
      await until(
        'the account is saved',
        async () => (await put(account({ nas: nas.settings, dark }))).status === 200,
        patienceMs,
      )
      expect(await unmanaged()).toMatchObject([
        { ref: 'nas', power: 'running', state: 'free', importable: true, addresses: ['127.0.0.1'] },
        { ref: 'dark', power: 'stopped', state: 'free', importable: true },
      ])
    })
  })

  describe('a system', () => {
    test('is not made of one', async () => {
      const reply = await ask('POST', '/v1/systems', { name: 'new', account: 'lab', readiness: 'none' })
      expect(reply).toMatchObject({ status: 422, detail: expect.stringContaining('reops systems import lab MACHINE') })
      expect(await bring('nowhere', 'x')).toMatchObject({ status: 404 })
    })
    test('takes hold of one: its mark is on the machine', async () => {
      await done(await bring('nas', 'box', { managed: 'full' }))
      const system = await service.system('box')
      expect(system).toMatchObject({ phase: 'ready', origin: 'imported', ref: 'nas', drift: [] })
      expect(nas.mark()).toMatchObject({ vmId: system.id, generation: 1 })
      expect((await unmanaged()).map(one => one.ref)).toEqual(['dark'])
    })
    test.each<[string, object, RegExp]>([
      ['destroy', {}, /machines of provider physical are never ended; allowed: systems forget box$/],
      ['stop', { force: true }, /nothing takes the power .* away; allowed: without force$/],
      ['stop', { forceAfterSeconds: 5 }, /allowed: without force$/],
      ['reboot', { force: true }, /allowed: without force$/],
      ['resize', { size: 'large' }, /does not offer it; allowed: start, stop, reboot, setOwner$/],
      ['reload', {}, /is imported/],
    ])('%s %j of it is refused before there is a job', async (verb, body, why) => {
      const [method, path] = verb === 'destroy' ? ['DELETE', ''] : ['POST', `/${verb}`]
      const reply = await ask(method, `/v1/systems/box${path}`, verb === 'destroy' ? undefined : body)
      expect(reply.detail).toMatch(why)
      expect(reply.status).toBe(verb === 'reload' ? 409 : 422)
      expect(nas.asked()).toEqual([])
    })
    test('is stopped over SSH, and is not lost or drifted while its mark cannot be read', async () => {
      await done(await ask('POST', '/v1/systems/box/stop', {}))
      expect([nas.isOn(), nas.asked()]).toEqual([false, ['-h now']])
      expect(await service.system('box')).toMatchObject({ phase: 'stopped', drift: [], reason: null })
    })
    test('is started by a magic packet', async () => {
      await done(await ask('POST', '/v1/systems/box/start', {}))
      expect(nas.isOn()).toBe(true)
      expect(nas.packets()).toBeGreaterThan(0)
      await phase('box', 'ready')
      expect(nas.mark()).toMatchObject({ vmId: (await service.system('box')).id })
    })
    test('is rebooted over SSH, and its job ends when it is back', async () => {
      const reply = await ask('POST', '/v1/systems/box/reboot', {})
      await nas.rise()
      await done(reply)
      expect(nas.asked()).toEqual(['-h now', '-r now'])
      await phase('box', 'ready')
    })
    test('is forgotten: the mark is taken off, and the machine stays on', async () => {
      await done(await ask('POST', '/v1/systems/box/forget', {}))
      expect([nas.mark(), nas.isOn(), nas.asked().length]).toEqual([null, true, 2])
      expect((await unmanaged()).map(one => one.ref)).toEqual(['nas', 'dark'])
    })
    test('of one that is off can be begun and forgotten', async () => {
      await done(await bring('dark', 'cellar'))
      expect(await service.system('cellar')).toMatchObject({ phase: 'stopped', drift: [] })
      expect((await ask('POST', '/v1/systems/cellar/start', {})).status).toBe(409)
      await done(await ask('POST', '/v1/systems/cellar/forget', {}))
      expect((await unmanaged()).map(one => one.ref)).toContain('dark')
    })
    test('no key is in any log', () => {
      expect(service.output.join('')).not.toMatch(/canary-of-no-key|b3BlbnNzaC1rZXk/)
    })
  })

  test('a machine that is forgotten while it is off keeps its mark, and is free all the same', async () => {
    await done(await bring('nas', 'again', { managed: 'full' }))
    await done(await ask('POST', '/v1/systems/again/stop', {}))
    await done(await ask('POST', '/v1/systems/again/forget', {}))
    expect(nas.mark()).not.toBeNull()
    await nas.rise()
    const found = await until('it is seen on', async () => {
      const one = (await unmanaged()).find(({ ref }) => ref === 'nas')
      return one?.power === 'running' && one
    })
    expect(found).toMatchObject({ state: 'free', importable: true })
    await done(await bring('nas', 'anew'))
    expect(nas.mark()).toMatchObject({ vmId: (await service.system('anew')).id })
  })

  describe('the provider', () => {
    const open = (machine: object, secret = nas.key) =>
      physicalDriver().open({
        account: { name: 'lab', settings: { machines: { nas: { ...nas.settings, ...machine } } }, secret },
        region: 'lab',
        limiter: noLimiter,
      })
    const signal = () => AbortSignal.timeout(patienceMs)
    const wrong = { hostKey: `SHA256:${'B'.repeat(43)}` }
    test('does nothing to a machine of another host key, and knows nothing of it', async () => {
      const before = nas.asked()
      const provider = open(wrong)
      const refused = { kind: 'invalid', outcome: 'not-applied', message: expect.stringContaining(nas.hostKey) }
      await expect(provider.act('nas', { kind: 'stop', force: false }, newOp(), signal())).rejects.toMatchObject(
        refused,
      )
      expect(await provider.observe('nas', signal())).toMatchObject({ state: 'unknown', why: refused })
      const listed: ObservedVm[] = []
      for await (const vm of provider.list('all', signal())) listed.push(vm)
      expect(listed).toMatchObject([{ power: 'running', raw: expect.stringContaining(nas.hostKey), ownerUnread: true }])
      expect(nas.asked()).toEqual(before)
    })
    test('tells a key that is not let in, and one that is no key, without it', async () => {
      for (const [secret, why] of [
        [otherKey, "does not let the account's key in"],
        ['-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----', 'without passphrase'],
      ] as const) {
        const seen = await open({}, secret).observe('nas', signal())
        expect(seen).toMatchObject({ state: 'unknown', why: { message: expect.stringContaining(why) } })
        expect(JSON.stringify(seen)).not.toMatch(/canary|b3BlbnNzaC1rZXk/)
      }
    })
    test('tells one that is off, one that is not named, and ends none', async () => {
      const provider = open({ port: await freePort() })
      const stop = provider.act('nas', { kind: 'stop', force: false }, newOp(), signal())
      await expect(stop).rejects.toMatchObject({ kind: 'transient', message: expect.stringContaining('ECONNREFUSED') })
      expect(await provider.observe('other', signal())).toMatchObject({ state: 'absent', proof: 'not-found' })
      await expect(provider.destroy('nas', { keep: [] }, signal())).rejects.toMatchObject({ kind: 'unsupported' })
    })
    test('takes only an sshd for a machine that is on', async () => {
      const provider = open({ port: Number(new URL(service.url()).port) })
      expect(await provider.observe('nas', AbortSignal.timeout(patienceMs))).toMatchObject({
        state: 'present',
        vm: { power: 'stopped' },
      })
    })
  })
})

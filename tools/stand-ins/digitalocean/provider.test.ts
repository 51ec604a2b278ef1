import { afterEach, describe, expect, test } from '@jest/globals'
import { newId, ProviderError, type Limiter } from '@re-ops/protocols'
import { destroyAll, identityOf, makeDigitalOcean, newOp, noLimiter } from '@re-ops/re-core/testing'
import { manualClock } from '../shared/clock.ts'
import { actionNames, startFakeDigitalOcean, type FakeDigitalOcean } from './fake.ts'

const token = 'dop_v1_canary-Zq8x'
const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
const bound = () => AbortSignal.timeout(60_000)
const limits = { perHour: 1_000_000, perMinute: 1_000_000 }

const begin = async (limiter: Limiter = noLimiter) => {
  const clock = manualClock()
  const fake = await startFakeDigitalOcean({ clock, tokens: [token], limits })
  stops.push(fake.stop)
  const account = { name: 'test', settings: { endpoint: fake.url }, secret: token }
  const provider = makeDigitalOcean({}, { account, region: 'nyc3', limiter })
  const identity = identityOf(newId(), newId(), 1, 0)
  const spec = { name: 'web_1', type: 'web', size: 'small', image: 'debian-12', callHome: null, tags: { role: 'Web' } }
  const request = provider.planCreate(spec, identity)
  return { clock, fake, provider, identity, spec, request, create: () => provider.create(request, bound()) }
}
type World = Awaited<ReturnType<typeof begin>>
const machine = (fake: FakeDigitalOcean, ref: string) => {
  const droplet = fake.cloud().droplets.get(Number(ref))
  if (droplet === undefined) throw new Error(`no droplet ${ref}`)
  return droplet
}

describe('the provider digitalocean', () => {
  test('a machine has its identity in tags and at the end of its name', async () => {
    const { fake, identity, create, provider } = await begin()
    const { ref } = await create()
    const { tags, name } = machine(fake, ref)
    expect(name).toMatch(/^web-1-[a-z2-7]{10}$/)
    expect([...tags]).toEqual([
      `recore:installation:${identity.installation}`,
      `recore:vm:${identity.vmId}`,
      'recore:gen:1',
      'recore:candidate:0',
      'role:_57eb',
    ])
    await provider.act(ref, { kind: 'rename', name: 'blue' }, newOp(), bound())
    fake.clock.settle()
    expect(machine(fake, ref).name).toBe(`blue${name.slice(-11)}`)
  })

  test('without tags it is found by its name', async () => {
    const { fake, identity, create, provider } = await begin()
    fake.cloud().delays.tagMs = 60_000
    const { ref } = await create()
    expect(await provider.findByIdentity(identity, bound())).toMatchObject([{ ref, owner: { vmId: identity.vmId } }])
  })

  test('a droplet that was accepted and could not be made: its action says so', async () => {
    const { fake, create, provider } = await begin()
    fake.cloud().spoiled.push('create')
    const { ref, opRef = '' } = await create()
    expect(await provider.pollOp(opRef, bound())).toMatchObject({
      failed: { kind: 'capacity', outcome: 'not-applied' },
    })
    expect(await provider.observe(ref, bound())).toEqual({ state: 'absent', proof: 'never-made' })
    expect(await provider.observe('1', bound())).toEqual({ state: 'absent', proof: 'not-found' })
  })

  test('what was asked of a machine is found again', async () => {
    const { fake, create, provider } = await begin()
    const { ref } = await create()
    const op = newOp(fake.clock.now())
    expect(await provider.findOp(ref, 'reboot', op, bound())).toBe('none')
    const { opRef } = await provider.act(ref, { kind: 'reboot', force: false }, op, bound())
    expect(await provider.findOp(ref, 'reboot', op, bound())).toEqual({ opRef })
    expect(await provider.findOp(ref, 'reboot', newOp(fake.clock.now() + 60_000), bound())).toBe('none')
  })

  test('destroy takes volumes and addresses along, also after it died in the middle; what is kept stays', async () => {
    const { fake, create, provider } = await begin()
    const { ref } = await create()
    const data = await provider.volumes?.ensure({ name: 'data', sizeGb: 10 }, bound())
    const kept = await provider.volumes?.ensure({ name: 'kept', sizeGb: 10 }, bound())
    for (const one of [data, kept]) await provider.volumes?.attach(one?.ref ?? '', ref, bound())
    fake.cloud().reservedIps.set('198.51.100.9', { ip: '198.51.100.9', region: 'nyc3', droplet: Number(ref) })
    const found = await provider.children(ref, bound())
    expect(found.map(one => one.kind).toSorted()).toEqual(['address', 'disk', 'disk', 'tag'])
    const plan = { keep: [kept?.ref ?? ''] }
    fake.faults.add({ action: 'droplets.delete', nth: 1, does: 'drop-after' })
    await expect(provider.destroy(ref, plan, bound())).rejects.toMatchObject({ outcome: 'unknown' })
    await provider.destroy(ref, plan, bound())
    const { volumes, reservedIps, droplets, tags } = fake.cloud()
    expect([droplets.size, reservedIps.size, [...volumes.keys()]]).toEqual([0, 0, [kept?.ref]])
    expect([...tags].filter(tag => tag.startsWith('recore:doomed'))).toEqual([])
  })

  test('a machine with something under way refuses to be destroyed, and nothing is asked again by itself', async () => {
    const { fake, create, provider } = await begin()
    fake.cloud().delays.createMs = 10_000
    const { ref } = await create()
    await expect(provider.destroy(ref, destroyAll, bound())).rejects.toMatchObject({
      kind: 'busy',
      outcome: 'not-applied',
    })
    expect(fake.faults.asked().filter(one => one === 'droplets.delete')).toHaveLength(1)
  })

  test('many looks at the same moment are one list', async () => {
    const { fake, provider, spec } = await begin()
    const refs: string[] = []
    for (let n = 0; n < 5; n += 1)
      refs.push((await provider.create(provider.planCreate(spec, identityOf(newId(), newId(), 1, 0)), bound())).ref)
    const before = fake.faults.asked().length
    const seen = await Promise.all(refs.map(ref => provider.observe(ref, bound())))
    expect(seen.map(one => one.state)).toEqual(refs.map(() => 'present'))
    expect(fake.faults.asked().slice(before)).toEqual(['droplets.list'])
  })

  test('what the API says of its limits is told', async () => {
    const told: unknown[] = []
    const taken: unknown[] = []
    const limiter: Limiter = {
      take: async (family, callClass) => void taken.push([family, callClass]),
      told: (family, what) => void told.push([family, what]),
    }
    const { fake, create } = await begin(limiter)
    const answer = { status: 429, headers: { 'retry-after': '7' } }
    fake.faults.add({ action: 'droplets.create', nth: 1, does: { answer } })
    await expect(create()).rejects.toMatchObject({ kind: 'throttled', outcome: 'not-applied', retryAfterMs: 7_000 })
    expect(taken.slice(-2)).toEqual([
      ['minute', 'create'],
      ['hour', 'create'],
    ])
    expect(told).toContainEqual(['minute', { throttled: true, retryAfterMs: 7_000 }])
    expect(told).toContainEqual(['hour', { remaining: expect.any(Number) }])
  })
})

describe('what stands beside machines', () => {
  test('volumes: once by name, attached, larger, never smaller, not deleted while attached', async () => {
    const { fake, provider, create } = await begin()
    const { volumes } = provider
    if (volumes === undefined) throw new Error('no volumes')
    const { ref: home } = await create()
    const one = await volumes.ensure({ name: 'data', sizeGb: 10 }, bound())
    expect(await volumes.ensure({ name: 'data', sizeGb: 10 }, bound())).toEqual(one)
    await volumes.attach(one.ref, home, bound())
    expect(await volumes.observe(one.ref, bound())).toMatchObject({ attachedTo: home, sizeGb: 10 })
    await expect(volumes.delete(one.ref, bound())).rejects.toMatchObject({ kind: 'busy' })
    await expect(volumes.resize(one.ref, 5, bound())).rejects.toMatchObject({ kind: 'invalid' })
    await volumes.resize(one.ref, 20, bound())
    await volumes.detach(one.ref, bound())
    expect(await volumes.observe(one.ref, bound())).toMatchObject({ attachedTo: null, sizeGb: 20 })
    for (let n = 0; n < 2; n += 1) await volumes.delete(one.ref, bound())
    expect(fake.cloud().volumes.size).toBe(0)
    await expect(volumes.ensure({ name: 'x', sizeGb: 1, zone: 'mars' }, bound())).rejects.toMatchObject({
      kind: 'invalid',
    })
  })

  test('images: asked for twice is one, pending until it is there', async () => {
    const { fake, provider, create, clock } = await begin()
    const { images } = provider
    if (images === undefined) throw new Error('no images')
    const { ref: home } = await create()
    await provider.observe(home, bound())
    fake.cloud().delays.actMs = 5_000
    const spec = { name: 'before', machine: home }
    const one = await images.ensure(spec, bound())
    expect([one.state, (await images.ensure(spec, bound())).state]).toEqual(['pending', 'pending'])
    expect(await images.observe(one.ref, bound())).toMatchObject({ state: 'pending' })
    clock.advance(5_000)
    const done = await images.observe(one.ref, bound())
    expect(done).toMatchObject({ state: 'ready', name: 'before' })
    expect(await images.list(bound())).toEqual([done])
    expect(await images.observe(done?.ref ?? '', bound())).toEqual(done)
    for (let n = 0; n < 2; n += 1) await images.delete(done?.ref ?? '', bound())
    expect(fake.cloud().snapshots.size).toBe(0)
  })

  test('keys: the same is one, another under the same name a conflict', async () => {
    const { provider } = await begin()
    const key = (n: string) => `ssh-ed25519 ${Buffer.from(`key ${n}`).toString('base64')}`
    const one = await provider.keys?.ensure({ name: 'me', publicKey: `${key('1')} me@home` }, bound())
    expect(await provider.keys?.ensure({ name: 'me', publicKey: key('1') }, bound())).toEqual(one)
    await expect(provider.keys?.ensure({ name: 'me', publicKey: key('2') }, bound())).rejects.toMatchObject({
      kind: 'conflict',
    })
    for (let n = 0; n < 2; n += 1) await provider.keys?.delete(one?.ref ?? '', bound())
    expect(await provider.keys?.list(bound())).toEqual([])
  })

  test('firewalls: made exactly so, an extra rule is removed, a second one ignored, in use not deleted', async () => {
    const { fake, provider, create } = await begin()
    const { firewalls } = provider
    if (firewalls === undefined) throw new Error('no firewalls')
    const ssh = { direction: 'in', protocol: 'tcp', ports: '22', peers: ['0.0.0.0/0'] } as const
    const ping = { direction: 'out', protocol: 'icmp', ports: null, peers: ['0.0.0.0/0'] } as const
    const one = await firewalls.ensure({ name: 'wall', rules: [ssh, ssh, ping] }, bound())
    expect(one.rules).toEqual([ssh, ping])
    await firewalls.ensure({ name: 'wall', rules: [ping, ssh] }, bound())
    expect(fake.faults.asked()).not.toContain('firewalls.replace')
    expect((await firewalls.ensure({ name: 'wall', rules: [ssh] }, bound())).rules).toEqual([ssh])
    const { ref } = await create()
    Object.assign(fake.cloud().firewalls.get(one.ref) ?? {}, { droplets: [Number(ref)] })
    await expect(firewalls.delete(one.ref, bound())).rejects.toMatchObject({ kind: 'busy' })
    Object.assign(fake.cloud().firewalls.get(one.ref) ?? {}, { droplets: [] })
    for (let n = 0; n < 2; n += 1) await firewalls.delete(one.ref, bound())
    expect(await firewalls.observe(one.ref, bound())).toBeNull()
  })

  test('the catalogue has prices of today; the account its limit', async () => {
    const { provider, create } = await begin()
    await create()
    const { sizes, images, regions, prices } = await provider.catalog(bound())
    expect(sizes[0]).toMatchObject({ name: 's-1vcpu-512mb-10gb', cores: 1, memoryMb: 512, diskGb: 10 })
    expect(images.map(one => one.name)).toContain('debian-12-x64')
    expect(regions.map(one => one.name)).toContain('fra1')
    expect(prices.find(one => one.size === 's-1vcpu-1gb')).toMatchObject({
      hourly: 0.00893,
      source: 'api.digitalocean.com',
    })
    expect(await provider.quota(bound())).toEqual([{ name: 'droplets', used: 1, limit: 1_000 }])
    expect((await provider.verifyCredentials(bound())).name).toBe('Sammy')
  })
})

/** Everything an error could hold, as deep as it goes. */
const textOf = (error: unknown): string => {
  const { message, stack, cause } = error as Error
  const facts = Object.getOwnPropertyNames(error).map(name => JSON.stringify((error as never)[name]))
  return [message, stack, ...facts, cause === undefined ? '' : textOf(cause)].join('\n')
}

test('the token stands in no error, whatever fails and however', async () => {
  const { fake, provider, create, identity, request }: World = await begin()
  const { ref } = await create()
  const calls: (() => Promise<unknown>)[] = [
    create,
    () => provider.observe(ref, bound()),
    () => provider.findByIdentity(identity, bound()),
    () => provider.list('all', bound())[Symbol.asyncIterator]().next(),
    () => provider.act(ref, { kind: 'reboot', force: false }, newOp(), bound()),
    () => provider.act(ref, { kind: 'setTags', tags: { a: 'b' } }, newOp(), bound()),
    () => provider.children(ref, bound()),
    () => provider.catalog(bound()),
    () => provider.verifyCredentials(bound()),
    () => provider.pollOp('1', bound()),
    () => provider.volumes?.ensure({ name: 'v', sizeGb: 1 }, bound()) ?? Promise.resolve(),
    () => provider.images?.ensure({ name: 'i', machine: ref }, bound()) ?? Promise.resolve(),
    () => provider.keys?.list(bound()) ?? Promise.resolve(),
    () => provider.firewalls?.ensure({ name: 'f', rules: [] }, bound()) ?? Promise.resolve(),
    () => provider.destroy(ref, destroyAll, bound()),
  ]
  const refusals = [400, 401, 403, 409, 422, 429, 500, 503].map(status => ({
    answer: { status, id: `with ${token}`, message: `refused ${token}, Bearer ${token}` },
  }))
  for (const does of [...refusals, 'drop-before' as const, 'drop-after' as const]) {
    for (const call of calls) {
      fake.faults.clear()
      for (const action of actionNames()) fake.faults.add({ action, nth: 'all', does })
      const error: unknown = await call().then(
        () => null,
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(ProviderError)
      expect(textOf(error)).not.toContain(token)
    }
  }
  fake.faults.clear()
  fake.faults.add({ action: 'droplets.list', nth: 1, does: 'hang' })
  const given = await provider.create(request, AbortSignal.timeout(50)).catch((thrown: unknown) => thrown)
  expect(given).toMatchObject({ kind: 'transient', outcome: 'not-applied' })
  expect(textOf(given)).not.toContain(token)
})

import { afterEach, describe, expect, test } from '@jest/globals'
import { manualClock } from '../shared/clock.ts'
import { startFakeDigitalOcean, type FakeOptions } from './fake.ts'
import { asker, walk, type Came } from './walk.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})
const delays = { createMs: 10_000, actMs: 2_000, tagMs: 1_000, listMs: 500 }
const begin = async (options: FakeOptions = {}) => {
  const clock = manualClock()
  const fake = await startFakeDigitalOcean({ clock, delays, ...options })
  stops.push(fake.stop)
  return { clock, fake, ask: asker(fake) }
}
type World = Awaited<ReturnType<typeof begin>>

const asked = { name: 'web-1', region: 'nyc3', size: 's-1vcpu-1gb', image: 'debian-12-x64', tags: ['web'] }
type Made = { droplet: { id: number; status: string; locked: boolean }; links: { actions: { id: number }[] } }
const make = async ({ ask }: World, more: object = {}) =>
  (await ask('POST /v2/droplets', { ...asked, ...more })).body as never as Made
const said = ({ status, body }: Came) => [status, body['message'] as unknown]
const act = ({ ask }: World, id: number, body: object) => ask(`POST /v2/droplets/${id}/actions`, body)

describe('the stand-in for DigitalOcean', () => {
  test('does every request that it has, also without the gate', async () => {
    const { fake } = await begin({ delays: {} })
    const wrong: unknown[] = []
    await walk(asker(fake), (step, came, expected) => came.status !== expected && wrong.push([step, came]))
    expect(wrong).toEqual([])
  })

  test('a droplet is promised, then active; lists and tags come later than it does', async () => {
    const world = await begin()
    const made = await make(world)
    expect(made.droplet).toMatchObject({ status: 'new', locked: true })
    const total = async (query: string) =>
      ((await world.ask(`GET /v2/droplets${query}`)).body['meta'] as unknown as { total: number }).total
    expect([await total(''), await total('?tag_name=web')]).toEqual([0, 0])
    world.clock.advance(500)
    expect([await total(''), await total('?tag_name=web'), await total('?name=web-1')]).toEqual([1, 0, 1])
    world.clock.advance(500)
    expect(await total('?tag_name=WEB')).toBe(1)
    world.clock.advance(9_000)
    expect((await world.ask(`GET /v2/droplets/${made.droplet.id}`)).body['droplet']).toMatchObject({
      status: 'active',
      locked: false,
    })
  })

  test('a create action may end errored, and the droplet is not there any more', async () => {
    const world = await begin()
    world.fake.cloud().spoiled.push('create')
    const made = await make(world)
    world.clock.advance(10_000)
    expect((await world.ask(`GET /v2/actions/${made.links.actions[0]?.id}`)).body['action']).toMatchObject({
      status: 'errored',
    })
    expect((await world.ask(`GET /v2/droplets/${made.droplet.id}`)).status).toBe(404)
  })

  test('one action at a time; states and sizes that do not fit are refused', async () => {
    const world = await begin()
    const { droplet } = await make(world)
    const pending = [422, 'Droplet already has a pending event.']
    expect(said(await act(world, droplet.id, { type: 'reboot' }))).toEqual(pending)
    expect(said(await world.ask(`DELETE /v2/droplets/${droplet.id}`))).toEqual(pending)
    world.clock.advance(10_000)
    expect(said(await act(world, droplet.id, { type: 'power_on' }))[1]).toContain('already powered on')
    expect(said(await act(world, droplet.id, { type: 'resize', size: 's-2vcpu-2gb' }))[1]).toContain('powered off')
    await act(world, droplet.id, { type: 'shutdown' })
    world.clock.advance(2_000)
    const smaller = { type: 'resize', size: 's-1vcpu-512mb-10gb', disk: true }
    expect(said(await act(world, droplet.id, smaller))[1]).toContain('smaller disk')
  })

  test('a guest may be deaf to a shutdown; power off works', async () => {
    const world = await begin()
    const { droplet } = await make(world)
    world.clock.advance(10_000)
    const machine = world.fake.cloud().droplets.get(droplet.id)
    if (machine !== undefined) machine.deaf = true
    await act(world, droplet.id, { type: 'shutdown' })
    world.clock.advance(2_000)
    expect(machine?.status).toBe('active')
    await act(world, droplet.id, { type: 'power_off' })
    world.clock.advance(2_000)
    expect(machine?.status).toBe('off')
  })

  test('lists have pages, and links to them', async () => {
    const world = await begin({ delays: {} })
    for (let n = 0; n < 5; n += 1) await make(world, { names: ['a', 'b', 'c', 'd', 'e'], name: undefined })
    const first = (await world.ask('GET /v2/droplets')).body as never as {
      droplets: unknown[]
      links: { pages: { next: string } }
    }
    expect(first.droplets).toHaveLength(20)
    const next = new URL(first.links.pages.next)
    expect(next.origin).toBe(world.fake.url)
    const second = (await world.ask(`GET ${next.pathname}${next.search}`)).body as never as typeof first
    expect([second.droplets.length, second.links.pages.next]).toEqual([5, undefined])
  })

  test('requests are counted per token; more are refused until their time', async () => {
    const world = await begin({ limits: { perHour: 5, perMinute: 3 }, tokens: ['one', 'two'] })
    const codes = async (n: number) => {
      const all: number[] = []
      for (let i = 0; i < n; i += 1) all.push((await world.ask('GET /v2/account')).status)
      return all
    }
    expect(await codes(4)).toEqual([200, 200, 200, 429])
    expect((await asker(world.fake, 'two')('GET /v2/account')).headers.get('ratelimit-remaining')).toBe('4')
    world.clock.advance(60_000)
    expect(await codes(3)).toEqual([200, 200, 429])
    const refused = await world.ask('GET /v2/account')
    expect(refused.headers.get('retry-after')).toBe('3540')
    world.clock.advance(3_540_000)
    expect(await codes(1)).toEqual([200])
  })

  test('the limit of droplets, sizes sold out, tokens revoked and scopes denied', async () => {
    const world = await begin()
    const cloud = world.fake.cloud()
    cloud.dropletLimit = 0
    expect(said(await world.ask('POST /v2/droplets', asked))[1]).toContain('exceed your droplet limit')
    cloud.dropletLimit = 1
    cloud.soldOut.add('s-1vcpu-1gb@nyc3')
    expect(said(await world.ask('POST /v2/droplets', asked))[1]).toContain('not available in this region')
    world.fake.denied.add('droplets.create')
    expect((await world.ask('POST /v2/droplets', asked)).status).toBe(403)
    world.fake.revoked.add(world.fake.token)
    expect((await world.ask('GET /v2/account')).status).toBe(401)
  })

  test('a fault is answered, cut or late in place of the answer', async () => {
    const world = await begin({ delays: {} })
    const { faults } = world.fake
    faults.add({
      action: 'droplets.create',
      nth: 1,
      does: { answer: { status: 503, headers: { 'retry-after': '7' } } },
    })
    const refused = await world.ask('POST /v2/droplets', asked)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '7'])
    faults.add({ action: 'droplets.create', nth: 1, does: { lateApplyMs: 4_000 } })
    await expect(make(world)).rejects.toThrow()
    expect(world.fake.cloud().droplets.size).toBe(0)
    world.clock.advance(4_000)
    expect(world.fake.cloud().droplets.size).toBe(1)
  })
})

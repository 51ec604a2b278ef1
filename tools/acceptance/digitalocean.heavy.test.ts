import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startFakeDigitalOcean, type FakeDigitalOcean } from '../stand-ins/digitalocean/fake.ts'
import { makeGuests } from '../stand-ins/shared/guests.ts'
import { openWorld, reops, root, type World } from './testing.ts'

const canary = 'dop_v1_canary-of-a-token-7Yk'
const revoked = 'dop_v1_revoked-token'
const folder = mkdtempSync(join(tmpdir(), 'reops-do-'))
const secretFile = join(folder, 'token')
const guests = makeGuests(join(folder, 'guests'), [process.execPath, join(root, 'apps/re-gent/src/main.ts')])
let world: World
let fake: FakeDigitalOcean
beforeAll(async () => {
  const delays = { createMs: 300, actMs: 200, tagMs: 200, listMs: 100 }
  fake = await startFakeDigitalOcean({ tokens: [canary], delays, onState: guests.onState })
  world = await openWorld(0)
}, 200_000)
afterAll(async () => {
  await world?.close()
  guests.stop()
  await fake?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

// The stand-in lives by its clock only when somebody looks.
const ticking = setInterval(() => fake?.clock.settle(), 50)
afterAll(() => clearInterval(ticking))

const said: string[] = []
const run = async (...args: string[]) => {
  const ended = await reops(world, args)
  said.push(ended.out, ended.error)
  return ended
}
const filesBelow = (path: string): string[] =>
  readdirSync(path).flatMap(name => {
    const one = join(path, name)
    if (statSync(one).isDirectory()) return name === 'postgres' ? [] : filesBelow(one)
    return [one]
  })

test('an account is tried before it is saved; sizes and images come from its region', async () => {
  const set = ['accounts', 'set', 'do', '--provider', 'digitalocean', '--region', 'nyc3', `endpoint=${fake.url}`]
  writeFileSync(secretFile, `${revoked}\n`)
  const refused = await run(...set, '--secret', `file:${secretFile}`)
  expect(refused.code).not.toBe(0)
  expect(refused.error).toContain('Unable to authenticate you')
  expect(JSON.parse((await run('accounts', 'list', '--json')).out)).toEqual([])
  writeFileSync(secretFile, `${canary}\n`)
  const saved = await run(...set, '--secret', `file:${secretFile}`, '--json')
  expect(saved).toMatchObject({ code: 0 })
  expect(JSON.parse(saved.out)).toMatchObject([{ name: 'do', secret: `file:${secretFile}`, problem: null }])
  const sizes = await run('sizes', '--account', 'do', '--json')
  expect((JSON.parse(sizes.out) as { name: string }[]).map(one => one.name)).toContain('s-1vcpu-1gb')
  expect((await run('images', '--account', 'do')).out).toContain('debian-12')
  expect((await run('providers')).out).toMatch(/digitalocean +do/)
}, 60_000)

test('what the provider cannot make never becomes a row, and what is allowed is named', async () => {
  const create = (...more: string[]) => run('systems', 'create', '--name', 'bad', ...more)
  expect((await create('--account', 'nobody')).error).toMatch(/nobody.*(allowed|local)/s)
  expect((await create('--account', 'do', '--region', 'fra1')).error).toContain('nyc3')
  expect((await create('--account', 'do', '--size', 'huge')).error).toContain('s-1vcpu-1gb')
  expect((await create('--account', 'do', '--image', 'windows')).error).toContain('debian-12')
  expect(JSON.parse((await run('systems', 'list', '--json')).out)).toEqual([])
  expect(fake.faults.asked()).not.toContain('droplets.create')
}, 60_000)

test('a droplet: created, its agent calls home, an operation runs on it, stopped, started, destroyed', async () => {
  const where = ['--account', 'do', '--size', 'small', '--image', 'debian-12', '--label', 'env=test']
  const created = await run('systems', 'create', '--name', 'web', ...where, '--wait')
  expect(created).toMatchObject({ code: 0 })
  const { droplets, volumes, tags } = fake.cloud()
  const [machine] = [...droplets.values()]
  expect(machine).toMatchObject({ size: 's-1vcpu-1gb', status: 'active' })
  expect([...(machine?.tags ?? [])]).toContain('env:test')
  expect((await run('systems', 'show', 'web')).out).toMatch(/account +do · nyc3/)
  const console = await run('console', 'web')
  expect(console).toMatchObject({ code: 2, error: expect.stringContaining(`/droplets/${machine?.id}/console`) })
  expect(await run('run', 'uptime', '--on', 'web')).toMatchObject({ code: 0 })
  expect(await run('systems', 'stop', 'web', '--yes', '--wait')).toMatchObject({ code: 0 })
  expect([machine?.status, guests.running()]).toEqual(['off', []])
  expect(await run('systems', 'start', 'web', '--wait')).toMatchObject({ code: 0 })
  expect(guests.running()).toEqual([String(machine?.id)])
  expect(await run('systems', 'destroy', 'web', '--yes', '--wait')).toMatchObject({ code: 0 })
  const left = [...tags].filter(tag => tag.startsWith('recore:vm:'))
  expect([droplets.size, guests.running(), volumes.size, left]).toEqual([0, [], 0, []])
}, 180_000)

test('the secret stands in no answer, no log and no file of the cluster', () => {
  expect(said.join('')).not.toContain(canary)
  for (const path of filesBelow(join(world.folder, '.reops')))
    expect([path, readFileSync(path).includes(canary)]).toEqual([path, false])
})

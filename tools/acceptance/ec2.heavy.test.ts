import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startFakeEc2, type FakeEc2 } from '../stand-ins/ec2/fake.ts'
import { makeGuests } from '../stand-ins/ec2/guests.ts'
import { openWorld, reops, root, type World } from './testing.ts'

const canary = 'Canary-of-an-EC2-secret-7Yk'
const folder = mkdtempSync(join(tmpdir(), 'reops-ec2-'))
const secretFile = join(folder, 'aws')
const guests = makeGuests(join(folder, 'guests'), [process.execPath, join(root, 'apps/re-gent/src/main.ts')])
let world: World
let fake: FakeEc2
beforeAll(async () => {
  const delays = { bootMs: 300, stopMs: 200, terminateMs: 200, lagMs: 200, tombstoneMs: 3_600_000 }
  fake = await startFakeEc2({ setup: { delays, keys: new Set(['AKIAGOOD']) }, onState: guests.onState })
  world = await openWorld(0)
}, 120_000)
afterAll(async () => {
  await world?.close()
  guests.stop()
  await fake?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

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
  const set = ['accounts', 'set', 'aws', '--provider', 'ec2', '--region', 'eu-central-1', `endpoint=${fake.url}`]
  writeFileSync(secretFile, `AKIABAD0:${canary}\n`)
  const refused = await run(...set, '--secret', `file:${secretFile}`)
  expect(refused.code).not.toBe(0)
  expect(refused.error).toContain('AuthFailure')
  expect(JSON.parse((await run('accounts', 'list', '--json')).out)).toEqual([])
  writeFileSync(secretFile, `AKIAGOOD:${canary}\n`)
  const saved = await run(...set, '--secret', `file:${secretFile}`, '--json')
  expect(saved).toMatchObject({ code: 0 })
  expect(JSON.parse(saved.out)).toMatchObject([
    { name: 'aws', secret: `file:${secretFile}`, providerId: '123456789012', problem: null },
  ])
  const sizes = await run('sizes', '--account', 'aws', '--json')
  expect((JSON.parse(sizes.out) as { name: string }[]).map(one => one.name)).toContain('t3.small')
  expect((await run('images', '--account', 'aws')).out).toContain('debian-12')
  expect((await run('providers')).out).toMatch(/ec2 +aws/)
}, 120_000)

test('what the provider cannot make never becomes a row, and what is allowed is named', async () => {
  const create = (...more: string[]) => run('systems', 'create', '--name', 'bad', ...more)
  expect((await create('--account', 'nobody')).error).toMatch(/nobody.*(allowed|local)/s)
  expect((await create('--account', 'aws', '--region', 'us-east-1')).error).toContain('eu-central-1')
  expect((await create('--account', 'aws', '--size', 'huge')).error).toContain('t3.small')
  expect((await create('--account', 'aws', '--image', 'windows')).error).toContain('debian-12')
  expect(JSON.parse((await run('systems', 'list', '--json')).out)).toEqual([])
  expect(fake.counts.get('RunInstances')).toBeUndefined()
}, 120_000)

test('a machine on EC2: created, its agent calls home, an operation runs on it, stopped, started, resized, cloned, destroyed', async () => {
  const where = ['--account', 'aws', '--size', 't3.small', '--image', 'debian-12', '--label', 'env=test']
  const created = await run('systems', 'create', '--name', 'web', ...where, '--wait')
  expect(created).toMatchObject({ code: 0 })
  const [machine] = fake.alive()
  expect(machine).toMatchObject({ size: 't3.small', state: 'running' })
  expect(fake.state.tags.get(machine?.id ?? '')).toEqual(expect.any(Map))
  expect(fake.state.tags.get(machine?.id ?? '')?.get('env')).toBe('test')
  const shown = (await run('systems', 'show', 'web')).out
  expect(shown).toMatch(/account +aws · eu-central-1/)
  const address = machine?.privateIp.replace(/^10\.0/, '203.0')
  expect(shown).toContain(`address    ${address} · ${machine?.privateIp}`)
  expect((await run('ssh', 'web', '--print')).out).toContain(` -l admin ${address}\n`)
  expect(await run('console', 'web')).toMatchObject({ code: 0, out: expect.stringMatching(/Linux version .*login: /s) })
  expect(await run('run', 'uptime', '--on', 'web')).toMatchObject({ code: 0 })
  expect(await run('systems', 'stop', 'web', '--yes', '--wait')).toMatchObject({ code: 0 })
  expect([machine?.state, guests.running()]).toEqual(['stopped', []])
  expect(await run('systems', 'start', 'web', '--wait')).toMatchObject({ code: 0 })
  expect(guests.running()).toEqual([machine?.id])
  expect(await run('systems', 'resize', 'web', '--size', 't3.medium', '--yes', '--wait')).toMatchObject({ code: 0 })
  expect(machine).toMatchObject({ size: 't3.medium', state: 'running' })
  expect(await run('systems', 'clone', 'web', '--name', 'copy', '--wait')).toMatchObject({ code: 0 })
  expect(fake.alive()).toHaveLength(2)
  expect(await run('run', 'uptime', '--on', 'web or copy')).toMatchObject({ code: 0 })
  const snapshots = JSON.parse((await run('snapshots', '--json')).out) as { name: string; state: string }[]
  expect(snapshots).toMatchObject([{ state: 'ready' }])
  expect(await run('systems', 'destroy', 'web', 'copy', '--yes', '--wait')).toMatchObject({ code: 0 })
  expect(await run('snapshots', 'delete', snapshots[0]?.name ?? '', '--yes')).toMatchObject({ code: 0 })
  expect(fake.state.images.size).toBe(0)
  expect([fake.alive(), guests.running(), [...fake.state.disks]]).toEqual([[], [], []])
}, 240_000)

test('the secret stands in no answer, no log and no file of the cluster', () => {
  expect(said.join('')).not.toContain(canary)
  for (const path of filesBelow(join(world.folder, '.reops')))
    expect([path, readFileSync(path).includes(canary)]).toEqual([path, false])
})

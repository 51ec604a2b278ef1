import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Libvirt } from '@re-ops/node-libvirt'
import { startPrivateDaemon, type PrivateDaemon } from '@re-ops/node-libvirt/testing'
import { openWorld, reops, type World } from './testing.ts'

let world: World
let daemon: PrivateDaemon
let libvirt: Libvirt
beforeAll(async () => {
  daemon = await startPrivateDaemon()
  libvirt = await daemon.connect('test:///default')
  world = await openWorld(0)
}, 90_000)
afterAll(async () => {
  await world?.close()
  await libvirt?.close()
  await daemon?.stop()
}, 60_000)

const images = JSON.stringify({ blank: { path: '/blank.qcow2' } })
const sizes = JSON.stringify({ small: { cores: 1, memoryMb: 64, diskGb: 1 } })
/** Machines and disks that re-ops made. */
const made = async () => {
  const pool = await libvirt.pools.byName('default-pool')
  const disks = (await libvirt.volumes.list(pool)).filter(one => one.name.startsWith('re-ops-'))
  return [(await libvirt.domains.list()).map(one => one.name).filter(name => name !== 'test'), disks.length]
}

test('an account that is not reached is refused, and says why', async () => {
  const set = ['accounts', 'set', 'lab', '--provider', 'kvm', '--region', 'here']
  const refused = await reops(world, [...set, 'uri=test:///default?socket=/nowhere'])
  expect(refused.code).not.toBe(0)
  expect(refused.error).toContain('/nowhere')
  const odd = await reops(world, [...set, 'pol=x'])
  expect(odd.code).not.toBe(0)
  const uri = daemon.uri('test:///default')
  const saved = await reops(world, [...set, `uri=${uri}`, 'pool=default-pool', `images:=${images}`, `sizes:=${sizes}`])
  expect(saved).toMatchObject({ code: 0 })
  expect((await reops(world, ['images', '--account', 'lab'])).out).toContain('blank')
}, 60_000)

test('a machine on libvirt: created, stopped, started, destroyed, and nothing is left', async () => {
  const where = ['--account', 'lab', '--size', 'small', '--image', 'blank', '--readiness', 'none']
  expect((await reops(world, ['systems', 'create', '--name', 'bad', ...where, '--image', 'x'])).error).toContain(
    'blank',
  )
  expect(await reops(world, ['systems', 'create', '--name', 'web', ...where, '--wait'])).toMatchObject({ code: 0 })
  expect(await made()).toEqual([['web'], 2])
  const dom = await libvirt.domains.byName('web')
  const state = async () => (await libvirt.domains.state(dom)).state
  expect(await state()).toBe('running')
  expect(await reops(world, ['systems', 'stop', 'web', '--yes', '--wait'])).toMatchObject({ code: 0 })
  expect(await state()).toBe('shutoff')
  expect(await reops(world, ['systems', 'start', 'web', '--wait'])).toMatchObject({ code: 0 })
  expect(await state()).toBe('running')
  expect(await reops(world, ['systems', 'destroy', 'web', '--yes', '--wait'])).toMatchObject({ code: 0 })
  expect(await made()).toEqual([[], 0])
}, 120_000)

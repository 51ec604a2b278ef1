import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Libvirt } from '@re-ops/node-libvirt'
import { startPrivateDaemon, type PrivateDaemon } from '@re-ops/node-libvirt/testing'
import { newId, type CreateRequest, type Provider } from '@re-ops/protocols'
import type { KvmStep } from '../../testing/kvm-step.ts'
import { identityOf } from '../identity.ts'
import { destroyAll } from '../op.ts'
import { noLimiter } from '../plain.ts'
import { makeKvm } from './kvm.ts'

let daemon: PrivateDaemon
let libvirt: Libvirt
let settings: KvmStep['settings']
beforeAll(async () => {
  daemon = await startPrivateDaemon()
  libvirt = await daemon.connect('test:///default')
  const images = { blank: { path: '/blank.qcow2' } }
  settings = { uri: daemon.uri('test:///default'), pool: 'default-pool', images }
})
afterAll(async () => {
  await libvirt.close()
  await daemon.stop()
})

const bound = () => AbortSignal.timeout(60_000)
const fresh = (at?: (point: string) => void): Provider =>
  makeKvm(
    { now: Date.now, ...(at === undefined ? {} : { at }) },
    { account: { name: 'test', settings, secret: null }, region: 'here', limiter: noLimiter },
  )
const someone = (name: string): CreateRequest => {
  const spec = { name, type: 'web', size: 'small', image: 'blank', callHome: null }
  return fresh().planCreate(spec, identityOf(newId(), newId(), 1, 0))
}
/** Of that machine: definitions and volumes. */
const left = async ({ identity: { uuid } }: CreateRequest) => {
  const pool = await libvirt.pools.byName('default-pool')
  const disks = (await libvirt.volumes.list(pool)).map(one => one.name).filter(name => name.includes(uuid))
  const machines = (await libvirt.domains.list()).filter(one => one.uuid === uuid)
  return { machines: machines.length, disks: disks.length }
}
const nothing = { machines: 0, disks: 0 }
const program = fileURLToPath(new URL('../../testing/kvm-step.ts', import.meta.url))
/** A process of its own that ends by SIGKILL at that step. */
const die = (request: CreateRequest, verb: KvmStep['verb'], diesAt: string): Promise<string | null> =>
  new Promise(resolve => {
    const step: KvmStep = { settings, request, verb, diesAt }
    execFile(process.execPath, [program, JSON.stringify(step)], error =>
      resolve((error as { signal?: string | null } | null)?.signal ?? null),
    )
  })

/** The steps, as they happen. */
const trace = async (request: CreateRequest) => {
  const points: string[] = []
  const provider = fresh(point => void points.push(point))
  await provider.create(request, bound())
  const made = points.splice(0)
  await provider.destroy(request.identity.uuid, destroyAll, bound())
  return { create: made, destroy: points }
}

const createSteps = ['begin', 'defined', 'disk', 'seed']
  .map(one => `create.${one}`)
  .concat('start.begin', 'create.started')
const destroySteps = ['begin', 'stopped', 'volume', 'volume', 'undefined'].map(one => `destroy.${one}`)

describe('a process killed at a step', () => {
  test('is killed at every one there is', async () => {
    expect(await trace(someone('traced'))).toEqual({ create: createSteps, destroy: destroySteps })
  })

  test.each(createSteps)('%s: what is there is found and taken away, or gone on with to one machine', async point => {
    const request = someone(point)
    expect(await die(request, 'create', point)).toBe('SIGKILL')
    const found = await fresh().findByIdentity(request.identity, bound())
    expect(found).toHaveLength(point === 'create.begin' ? 0 : 1)
    for (const vm of found) await fresh().destroy(vm.ref, destroyAll, bound())
    expect(await left(request)).toEqual(nothing)

    expect(await die(request, 'create', point)).toBe('SIGKILL')
    const { ref } = await fresh().create(request, bound())
    expect(await left(request)).toEqual({ machines: 1, disks: 2 })
    expect(await fresh().observe(ref, bound())).toMatchObject({ state: 'present', vm: { power: 'running' } })
    await fresh().destroy(ref, destroyAll, bound())
    expect(await left(request)).toEqual(nothing)
  })

  test.each([...new Set(destroySteps)])('%s: the next one goes on to the end', async point => {
    const request = someone(point)
    await fresh().create(request, bound())
    expect(await die(request, 'destroy', point)).toBe('SIGKILL')
    await fresh().destroy(request.identity.uuid, destroyAll, bound())
    expect(await left(request)).toEqual(nothing)
  })
})

describe('beside others', () => {
  test('a name that another machine has is a conflict, and leaves nothing', async () => {
    const [first, second] = [someone('same'), someone('same')]
    await fresh().create(first, bound())
    await expect(fresh().create(second, bound())).rejects.toMatchObject({ kind: 'conflict', outcome: 'not-applied' })
    expect(await left(second)).toEqual(nothing)
    await fresh().destroy(first.identity.uuid, destroyAll, bound())
  })

  test('machines that are not ours are seen and carry no owner', async () => {
    const seen: [string, boolean][] = []
    for await (const vm of fresh().list('all', bound())) seen.push([vm.tags['name'] ?? '', vm.owner !== undefined])
    expect(seen).toContainEqual(['test', false])
    for await (const vm of fresh().list('owned', bound())) expect(vm.tags['name']).not.toBe('test')
  })
})

import { appendFile, mkdtemp, readFile, readdir, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { newId, type ObservedVm, type Provider } from '@re-ops/protocols'
import { identityOf } from '../identity.ts'
import { destroyAll, newOp } from '../op.ts'
import { powerOffAll } from './power.ts'
import { makeLocal } from './local.ts'
import { markedProcesses } from './process.ts'
import type { LocalDeps } from './start.ts'

/** A stand-in agent: lives until told otherwise, and has a child of its own, as a real one has. */
const standIn = ['/bin/sh', '-c', 'sleep 600 & wait', 'agent']
const installation = newId()
const { signal } = new AbortController()
let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'local-'))
})
afterEach(async () => {
  await powerOffAll(root, 0)
  await rm(root, { recursive: true, force: true })
})
const local = (more: Partial<LocalDeps> = {}): Provider =>
  makeLocal({ root, agentCommand: standIn, now: Date.now, stopGraceMs: 500, ...more })
const callHome = { url: 'http://127.0.0.1:1', token: 'canary-token', name: 'one', labels: { role: 'web' } }
const spec = { name: 'one', type: 'web', size: 'process', image: 'this-computer', callHome }
const request = (provider: Provider, generation = 1, vmId = newId()) =>
  provider.planCreate(spec, identityOf(installation, vmId, generation, 0))
const agents = async () => (await markedProcesses()).filter(one => one.folder.startsWith(root) && one.isAgent)
const listed = async (provider: Provider): Promise<ObservedVm[]> => {
  const all: ObservedVm[] = []
  for await (const vm of provider.list('owned', signal)) all.push(vm)
  return all
}

describe('the local provider', () => {
  test('the same identity is the same machine, also for many callers at once and for another process of ours', async () => {
    const one = request(local())
    const answers = await Promise.all(Array.from({ length: 8 }, () => local().create(one, signal)))
    expect(new Set(answers.map(a => a.ref))).toEqual(new Set([one.identity.uuid]))
    expect((await listed(local())).map(vm => vm.power)).toEqual(['running'])
    const alive = await settledAgents(1)
    expect(alive).toHaveLength(1)
  })

  test('its console is the log of its agent, as it grows, also after it was cut; it ends with the machine', async () => {
    const provider = local()
    const { ref } = await provider.create(request(provider), signal)
    const log = join(root, ref, 'agent.log')
    await appendFile(log, 'first\n')
    const console = await provider.console?.(ref, { force: false }, signal)
    const next = console?.output[Symbol.asyncIterator]()
    const read = async () => Buffer.from((await next?.next())?.value ?? []).toString()
    expect(await read()).toBe('first\n')
    await truncate(log, 0)
    await appendFile(log, 'new\n')
    expect(await read()).toBe('new\n')
    await provider.destroy(ref, destroyAll, signal)
    expect((await next?.next())?.done).toBe(true)
    expect(console?.write).toBeUndefined()
  })

  test('the folder says whose machine it is, and only its config holds the token, readable by us alone', async () => {
    const one = request(local())
    const { ref } = await local().create(one, signal)
    expect(JSON.parse(await readFile(join(root, ref, 'config.json'), 'utf8'))).toEqual({ ...callHome, instance: ref })
    expect((await stat(join(root, ref, 'config.json'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(root, ref, 'machine.json'), 'utf8')).not.toContain('canary')
    expect((await listed(local()))[0]?.owner).toEqual({
      installation,
      vmId: one.identity.vmId,
      generation: 1,
      candidate: 0,
    })
  })

  test('a changed request under the same identity is refused and makes nothing', async () => {
    const one = request(local())
    await local().create(one, signal)
    const changed = { ...one, body: { ...one.body, size: 'other' } }
    await expect(local().create(changed, signal)).rejects.toMatchObject({ kind: 'identity-mismatch' })
    expect(await settledAgents(1)).toHaveLength(1)
  })

  test('stop and start are idempotent; stopping takes the commands of the agent along', async () => {
    const provider = local()
    const { ref } = await provider.create(request(provider), signal)
    await provider.act(ref, { kind: 'start' }, newOp(), signal)
    await provider.act(ref, { kind: 'stop', force: false }, newOp(), signal)
    await provider.act(ref, { kind: 'stop', force: true }, newOp(), signal)
    expect((await markedProcesses()).filter(one => one.folder.startsWith(root))).toEqual([])
    expect(await provider.observe(ref, signal)).toMatchObject({ state: 'present', vm: { power: 'stopped' } })
    await provider.act(ref, { kind: 'start' }, newOp(), signal)
    expect(await provider.observe(ref, signal)).toMatchObject({ state: 'present', vm: { power: 'running' } })
  })

  test('an agent that ignores TERM is killed after the grace', async () => {
    const stubborn = local({ agentCommand: ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 600; done', 'agent'] })
    const { ref } = await stubborn.create(request(stubborn), signal)
    await stubborn.act(ref, { kind: 'stop', force: false }, newOp(), signal)
    expect(await stubborn.observe(ref, signal)).toMatchObject({ vm: { power: 'stopped' } })
  })

  test('destroy leaves nothing, may be repeated, spends the identity even of a machine that never was', async () => {
    const provider = local()
    const [made, never] = [request(provider), request(provider)]
    await provider.create(made, signal)
    for (const one of [made, never, made, never]) await provider.destroy(one.identity.uuid, destroyAll, signal)
    expect((await readdir(root)).filter(name => !name.startsWith('.'))).toEqual([])
    expect(await readdir(join(root, '.removed'))).toEqual([])
    expect(await agents()).toEqual([])
    for (const one of [made, never])
      await expect(provider.create(one, signal)).rejects.toMatchObject({ kind: 'identity-spent' })
    expect(await provider.observe(made.identity.uuid, signal)).toEqual({ state: 'absent', proof: 'terminal' })
    await provider.create(request(provider, 2, made.identity.vmId), signal)
    expect(await listed(provider)).toHaveLength(1)
  })

  test('destroy and create of one identity at once, in any interleaving, end without a machine', async () => {
    for (let round = 0; round < 12; round += 1) {
      const one = request(local())
      const pauses = local({ at: () => new Promise(resolve => setTimeout(resolve, Math.random() * 6)) })
      await Promise.allSettled([pauses.create(one, signal), pauses.destroy(one.identity.uuid, destroyAll, signal)])
      await local().destroy(one.identity.uuid, destroyAll, signal)
    }
    expect(await listed(local())).toEqual([])
    expect(await agents()).toEqual([])
  })

  test('killed at any point of create or destroy, the same call again finishes the work', async () => {
    const points: string[] = []
    const trace = local({ at: name => void points.push(name) })
    const first = request(trace)
    await trace.create(first, signal)
    await trace.destroy(first.identity.uuid, destroyAll, signal)
    expect(points.length).toBeGreaterThan(6)
    for (const crashAt of points) {
      const crashing = local({
        at: name => {
          if (name === crashAt) throw new Error('killed here')
        },
      })
      const one = request(crashing)
      await crashing.create(one, signal).catch(() => null)
      await local().create(one, signal)
      expect(await listed(local())).toMatchObject([{ ref: one.identity.uuid, power: 'running' }])
      expect(await settledAgents(1)).toHaveLength(1)
      await crashing.destroy(one.identity.uuid, destroyAll, signal).catch(() => null)
      await local().destroy(one.identity.uuid, destroyAll, signal)
      expect(await listed(local())).toEqual([])
      expect(await agents()).toEqual([])
    }
  })

  test('a pid that was reused by a stranger is not taken for the agent', async () => {
    const provider = local()
    const { ref } = await provider.create(request(provider), signal)
    await provider.act(ref, { kind: 'stop', force: true }, newOp(), signal)
    const { writeRecord } = await import('./machine.ts')
    const { liveProcess } = await import('./process.ts')
    const stranger = await liveProcess(process.pid)
    if (stranger === null) throw new Error('we live')
    await writeRecord(join(root, ref), stranger)
    expect(await provider.observe(ref, signal)).toMatchObject({ vm: { power: 'stopped' } })
    await provider.destroy(ref, destroyAll, signal)
    expect(process.exitCode ?? 0).toBe(0)
  })

  test('without its guards (the seeded bug) asking again makes a second machine', async () => {
    const unfenced = local({ unfenced: true })
    const one = request(unfenced)
    await unfenced.create(one, signal)
    await unfenced.create(one, signal)
    expect(await listed(unfenced)).toHaveLength(2)
  })

  test('refuses references that are not its own', async () => {
    await expect(local().destroy('../../etc', destroyAll, signal)).rejects.toMatchObject({ kind: 'invalid' })
    await expect(local().observe('..', signal)).rejects.toMatchObject({ kind: 'invalid' })
  })

  test('power off of all touches no folder', async () => {
    const provider = local()
    for (let n = 0; n < 5; n += 1) await provider.create(request(provider), signal)
    expect(await powerOffAll(root, 1_000)).toBe(5)
    expect((await listed(provider)).map(vm => vm.power)).toEqual(Array(5).fill('stopped'))
  })
})

/** Refused second starts end by themselves within moments; this waits until the number is what it should be. */
const settledAgents = async (wanted: number) => {
  for (let n = 0; n < 200; n += 1) {
    const alive = await agents()
    if (alive.length === wanted) return alive
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return agents()
}

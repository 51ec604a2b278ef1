import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { makeClient, type Mote } from '@re-ops/client'
import type { Target } from '@re-ops/protocols'
import { startSshd, whyNoSshd, type TestSshd } from '@re-ops/re-mote/testing'
import { eventually, openWorld, reops, type World } from './testing.ts'

const sshMissing = whyNoSshd()
let world: World
let mote: Mote
let sshd: TestSshd | undefined

/** Agents `vm` and `demo-1`, and where there is an sshd the host `bare`. */
beforeAll(async () => {
  ;[world, sshd] = await Promise.all([openWorld(1), sshMissing === null ? startSshd() : undefined])
  const { moteUrl, coreUrl } = world.cluster
  mote = makeClient({ moteUrl, coreUrl, token: await world.token(['admin'], 600_000) }).mote
  if (!sshd) return
  const target = `${sshd.user}@127.0.0.1:${sshd.port}`
  const added = await reops(world, [
    'hosts',
    'add',
    'bare',
    '--ssh',
    target,
    '--key-file',
    join(sshd.folder, 'id'),
    '--accept-new',
  ])
  expect(added).toMatchObject({ code: 0 })
}, 60_000)
afterAll(() => Promise.all([world?.close(), sshd?.stop()]), 30_000)

const hosts = () => (sshd ? ['bare', 'demo-1', 'vm'] : ['demo-1', 'vm'])
const begin = async (script: string, on = '*') =>
  (await mote.createRun({ on, pipeline: { kind: 'call', operation: 'shell', input: { script } } })).id
const ended = async (run: string): Promise<readonly Target[]> =>
  eventually('the end of the run', async () => {
    const { state, targets } = await mote.run(run)
    return state === 'done' && targets ? targets : null
  })
const hashOf = (text: string | Uint8Array) => createHash('sha256').update(text).digest('hex')
const textOf = async (bytes: AsyncIterable<Uint8Array>) => {
  const parts: Uint8Array[] = []
  for await (const part of bytes) parts.push(part)
  return Buffer.concat(parts).toString()
}

const whole = Array.from({ length: 300_000 }, (_, n) => `${n + 1}\n`).join('')

describe('an output longer than a result', () => {
  test('is cut there, and read whole from the host, or over SSH from the service', async () => {
    const run = await begin('seq 1 300000; echo fault >&2')
    for (const target of await ended(run)) {
      const { stdout, truncated, outputRef } = target.value as {
        stdout: string
        truncated: boolean
        outputRef?: string
      }
      expect([truncated, outputRef?.length, whole.startsWith(stdout.slice(0, 100_000))]).toEqual([true, 36, true])
      const { code, out } = await reops(world, ['output', run, target.host.name])
      expect([code, out.length, hashOf(out)]).toEqual([0, whole.length, hashOf(whole)])
      expect(await reops(world, ['output', 'last', target.host.name, '--stderr'])).toMatchObject({
        code: 0,
        out: 'fault\n',
      })
    }
    expect((await mote.run(run)).targets?.map(({ host }) => host.name)).toEqual(hosts())
  }, 60_000)

  test('of a command that fails is named in its failure', async () => {
    const run = await begin('seq 1 300000; exit 7', 'vm')
    const [target] = await ended(run)
    expect(target?.failure).toMatchObject({ kind: 'exit', code: 7, outputRef: target?.failure?.callId })
    const { bytes } = await mote.output(run, 'vm', { at: whole.length - 7, follow: false })
    expect(await textOf(bytes)).toBe('300000\n')
    expect((await mote.output(run, 'vm', { at: whole.length })).end).toBe('whole')
  }, 60_000)
})

test('an output is read while it is written, from every host, and to its end', async () => {
  const gate = join(world.folder, 'gate')
  const run = await begin(`echo one; until [ -e ${gate} ]; do sleep 0.05; done; echo two`)
  const readers = await Promise.all(
    hosts().map(async host => (await mote.output(run, host)).bytes[Symbol.asyncIterator]()),
  )
  const firsts = await Promise.all(readers.map(async reader => Buffer.from((await reader.next()).value as Uint8Array)))
  expect(firsts.map(String)).toEqual(hosts().map(() => 'one\n'))
  expect((await mote.run(run)).state).toBe('running')
  writeFileSync(gate, '')
  for (const reader of readers) {
    const rest = await textOf({ [Symbol.asyncIterator]: () => reader })
    expect(rest).toBe('two\n')
  }
  await ended(run)
}, 60_000)

test('what is in its result is read from there; several hosts are told apart', async () => {
  await ended(await begin('echo short'))
  const { code, out } = await reops(world, ['output', 'last'])
  const width = Math.max(...hosts().map(name => name.length))
  expect([code, out.trim().split('\n').toSorted()]).toEqual([0, hosts().map(name => `${name.padEnd(width)} | short`)])
}, 60_000)

test('wrong words are told', async () => {
  const run = await begin('echo short', 'vm')
  await ended(run)
  expect(await reops(world, ['output', run, 'nobody'])).toMatchObject({
    code: 2,
    error: expect.stringContaining('nobody'),
  })
  await expect(mote.output(run, 'nobody')).rejects.toMatchObject({
    status: 404,
    message: expect.stringContaining('nobody'),
  })
  await expect(mote.output(run, 'vm')).rejects.toMatchObject({
    status: 404,
    message: expect.stringContaining('its result'),
  })
}, 60_000)

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileHashOf, fileLimits, newId, type Host, type Run } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import pg from 'pg'
import {
  enrolHost,
  startFakeAgent,
  startMote,
  startSshd,
  until,
  whyNoSshd,
  type FakeAgent,
  type TestMote,
} from './testing/index.ts'

const { chunkBytes } = fileLimits
let postgres: TestPostgres
let mote: TestMote
let client: pg.Client
let token: string
beforeAll(async () => {
  postgres = await testPostgres()
  mote = await startMote({ databaseUrl: postgres.url })
  client = new pg.Client(postgres.url)
  await client.connect()
  token = await mote.token('runs:write')
})
afterAll(async () => {
  await client.end()
  await mote.stop()
  await postgres.drop()
})

const chunksOf = (bytes: Buffer) =>
  Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, n) =>
    bytes.subarray(n * chunkBytes, (n + 1) * chunkBytes),
  )
const manifestOf = (bytes: Buffer) => ({
  hash: fileHashOf(bytes),
  size: bytes.length,
  chunks: chunksOf(bytes).map(fileHashOf),
})
const post = (body: object) => mote.ask('POST', '/v1/files', { body, token })
const raw = (method: string, path: string, body?: Buffer) =>
  fetch(`${mote.url}/v1/files${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/octet-stream' } : {}) },
    ...(body ? { body: new Uint8Array(body) } : {}),
  })
const store = async (bytes: Buffer): Promise<string> => {
  const manifest = manifestOf(bytes)
  await post(manifest)
  for (const chunk of chunksOf(bytes))
    expect((await raw('PUT', `/chunks/${fileHashOf(chunk)}`, chunk)).status).toBe(204)
  expect(await post(manifest)).toMatchObject({ status: 200, body: { complete: true, missing: [] } })
  return manifest.hash
}

describe('contents over HTTP', () => {
  test('only what is missing is asked for, also after a restart; then the whole is there, from any byte on', async () => {
    const bytes = randomBytes(2 * chunkBytes + 1_000)
    const manifest = manifestOf(bytes)
    const [first = Buffer.alloc(0), second = Buffer.alloc(0), third = Buffer.alloc(0)] = chunksOf(bytes)
    expect(await post(manifest)).toMatchObject({ status: 202, body: { complete: false, missing: manifest.chunks } })
    expect((await raw('HEAD', `/chunks/${fileHashOf(second)}`)).status).toBe(404)
    await raw('PUT', `/chunks/${fileHashOf(second)}`, second)
    expect((await raw('HEAD', `/chunks/${fileHashOf(second)}`)).status).toBe(200)
    expect((await raw('HEAD', `/${manifest.hash}`)).status).toBe(404)
    mote.signal('SIGTERM')
    await mote.exited
    await mote.again()
    expect(await post(manifest)).toMatchObject({
      status: 202,
      body: { missing: [fileHashOf(first), fileHashOf(third)] },
    })
    for (const chunk of [third, first]) await raw('PUT', `/chunks/${fileHashOf(chunk)}`, chunk)
    expect(await post(manifest)).toMatchObject({ status: 200, body: { complete: true } })
    expect((await raw('HEAD', `/${manifest.hash}`)).status).toBe(200)
    const from = chunkBytes - 5
    const rest = Buffer.from(await (await raw('GET', `/${manifest.hash}/content?from=${from}`)).arrayBuffer())
    expect(rest.equals(bytes.subarray(from))).toBe(true)
    expect(await mote.ask('DELETE', `/v1/files/${manifest.hash}`)).toMatchObject({
      status: 200,
      body: { removed: true },
    })
    expect((await raw('GET', `/${manifest.hash}/content`)).status).toBe(404)
  }, 60_000)

  test.each<[string, () => Promise<{ status: number; body?: unknown }>, number, string]>([
    [
      'a chunk that is another',
      async () => {
        const answer = await raw('PUT', `/chunks/${'0'.repeat(64)}`, Buffer.from('x'))
        return { status: answer.status, body: await answer.json() }
      },
      400,
      'its hash is another',
    ],
    [
      'too few chunks',
      () => post({ hash: '0'.repeat(64), size: chunkBytes + 1, chunks: ['1'.repeat(64)] }),
      400,
      '/body/chunks has 1',
    ],
    ['a size beyond the limit', () => post({ hash: '0'.repeat(64), size: 2 ** 33, chunks: [] }), 400, '/body/size'],
    [
      'a run of a content that is not stored',
      () =>
        mote.ask('POST', '/v1/runs', {
          body: {
            on: '*',
            pipeline: {
              kind: 'call',
              operation: 'file.push',
              input: { path: '/tmp/x', hash: '2'.repeat(64), size: 1 },
            },
          },
        }),
      422,
      'is not stored',
    ],
  ])('refused is %s', async (_, ask, status, why) => {
    const answer = await ask()
    expect(answer.status).toBe(status)
    expect(JSON.stringify(answer.body)).toContain(why)
  })

  test('chunks that together are not what was promised do not count as it', async () => {
    const bytes = randomBytes(100)
    await raw('PUT', `/chunks/${fileHashOf(bytes)}`, bytes)
    const answer = await post({ ...manifestOf(bytes), hash: '3'.repeat(64) })
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('/body/hash') } })
  })
})

describe('contents over the wire', () => {
  let agent: FakeAgent
  let name: string
  beforeAll(async () => {
    name = 'wire-1'
    const identity = await enrolHost(mote, { name })
    agent = startFakeAgent({
      endpoint: mote.endpoint,
      serverKey: identity.serverKey,
      identity,
      name,
      answer: () => 'never',
    })
    await agent.live()
  })
  afterAll(() => agent.close())
  const heard = <K extends FakeAgent['heard'][number]['kind']>(kind: K) =>
    agent.heard.flatMap(m => (m.kind === kind ? [m.body as Extract<typeof m, { kind: K }>['body']] : []))
  const begin = async (input: object, operation = 'file.push'): Promise<string> => {
    const known = agent.started.length
    await mote.ask('POST', '/v1/runs', { body: { on: name, pipeline: { kind: 'call', operation, input } } })
    await until('the call', () => agent.started.length > known)
    return agent.started.at(-1) as string
  }
  const refusal = async (call: string) => {
    await until('a refusal', () => heard('file.refused').some(one => one.call === call))
    return heard('file.refused').findLast(one => one.call === call)?.reason
  }

  test('a call gets the content that it names, and no other; nobody gets one without a call', async () => {
    const [bytes, other] = [randomBytes(chunkBytes + 10), randomBytes(10)]
    const [hash, secret] = [await store(bytes), await store(other)]
    const call = await begin({ path: '/tmp/x', hash, size: bytes.length })
    await agent.say('file.open', { call, hash, from: 0 })
    await until('it is open', () => heard('file.opened').some(one => one.call === call))
    await agent.say('file.pull', { call, hash, chunk: 1 })
    await until('its part', () => heard('file.part').some(one => one.hash === hash && one.chunk === 1))
    const part = heard('file.part').find(one => one.hash === hash)
    expect(Buffer.from(part?.data ?? '', 'base64').equals(bytes.subarray(chunkBytes))).toBe(true)
    await agent.say('file.pull', { call, hash: secret, chunk: 0 }) // not opened: dropped
    await agent.say('file.open', { call, hash: secret, from: 0 })
    expect(await refusal(call)).toContain('may not have that content')
    const nobody = newId()
    await agent.say('file.open', { call: nobody, hash: secret, from: 0 })
    expect(await refusal(nobody)).toContain('not under way')
    await agent.say('file.offer', { call, hash: secret, size: 10 })
    await until('a second refusal', () => heard('file.refused').filter(one => one.call === call).length === 2)
    expect(heard('file.part').some(one => one.hash === secret)).toBe(false)
  })

  test('a chunk that was tampered with is refused', async () => {
    const bytes = randomBytes(1_000)
    const hash = await store(bytes)
    const damaged = Buffer.from(bytes)
    damaged[0] = (damaged[0] ?? 0) ^ 1
    await client.query('update mote.file_chunk set bytes = $2 where hash = $1', [hash, damaged])
    mote.signal('SIGTERM') // what it has in memory is whole
    await mote.exited
    await mote.again()
    await agent.live()
    const call = await begin({ path: '/tmp/x', hash, size: bytes.length })
    await agent.say('file.open', { call, hash, from: 0 })
    await until('it is open', () => heard('file.opened').some(one => one.call === call))
    await agent.say('file.pull', { call, hash, chunk: 0 })
    expect(await refusal(call)).toContain('damaged')
  }, 60_000)

  test('a host that gives another content than it promised is refused, and the next one is not misled', async () => {
    const bytes = randomBytes(100)
    const hash = fileHashOf(bytes)
    const giveAs = async (data: Buffer): Promise<string> => {
      const call = await begin({ path: '/tmp/x' }, 'file.pull')
      await agent.say('file.offer', { call, hash, size: bytes.length })
      await until('it is accepted', () => heard('file.accepted').some(one => one.call === call))
      await agent.say('file.give', { call, hash, at: 0, data: data.toString('base64') })
      return call
    }
    expect(await refusal(await giveAs(randomBytes(100)))).toContain('not what was promised')
    const call = await giveAs(bytes)
    await until('it is stored', () => heard('file.taken').some(one => one.call === call && one.done))
    expect((await raw('HEAD', `/${hash}`)).status).toBe(200)
  })

  test('contents of calls that are not its own and samples of no schedule are counted; such samples are not kept', async () => {
    const unclaimed = async (reason: string): Promise<number> => {
      const text = await (await fetch(`${mote.url}/metrics`)).text()
      return Number(new RegExp(`^mote_unclaimed_total\\{.*reason="${reason}".*\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0)
    }
    const before = { unknown: await unclaimed('unknown'), noSchedule: await unclaimed('no-schedule') }
    const about = { call: newId(), hash: fileHashOf(randomBytes(9)) }
    await agent.say('file.open', { ...about, from: 0 })
    await agent.say('file.offer', { ...about, size: 9 })
    await agent.say('file.give', { ...about, at: 0, data: '' })
    const schedule = { name: 'sampled', operation: 'load', everyMs: 60_000, on: name }
    const made = (await mote.ask('POST', '/v1/agent-schedules', { body: schedule })).body as { id: string }
    const sample = { seq: 1, n: 1, at: Date.now(), ms: 1, failure: 'exit: a\0b' }
    await agent.say('samples', { series: newId(), samples: [{ ...sample, schedule: made.id }] })
    await agent.say('samples', { series: newId(), samples: [1, 2].map(seq => ({ ...sample, seq, schedule: newId() })) })
    await until('all is counted', async () => (await unclaimed('no-schedule')) === before.noSchedule + 2)
    expect(await unclaimed('unknown')).toBe(before.unknown + 3)
    const kept = await client.query('select schedule, failure from mote.sample')
    expect(kept.rows).toEqual([{ schedule: made.id, failure: 'exit: a\uFFFDb' }])
  })
})

const missing = whyNoSshd()
const testWithSshd = missing === null ? test : test.skip
testWithSshd(
  `over SSH: a host that crashes midway goes on from there; a cancelled push leaves nothing${missing === null ? '' : ` (${missing})`}`,
  async () => {
    const sshd = await startSshd()
    const target = mkdtempSync(join(tmpdir(), 'reops-push-'))
    try {
      await mote.ask('PUT', '/v1/secrets/ssh%2Ffiles', { body: { value: sshd.key } })
      const ssh = { address: '127.0.0.1', port: sshd.port, user: sshd.user, identity: ['secret:ssh/files'] }
      const added = await mote.ask('POST', '/v1/hosts', { body: { name: 'bare-files', ssh, hostKeys: sshd.hostKeys } })
      expect((added.body as Host).name).toBe('bare-files')
      const bytes = randomBytes(60 * chunkBytes)
      const hash = await store(bytes)
      const path = join(target, 'file')
      const body = {
        on: 'bare-files',
        pipeline: { kind: 'call', operation: 'file.push', input: { path, hash, size: bytes.length } },
      }
      const start = async () => ((await mote.ask('POST', '/v1/runs', { body })).body as Run).id
      const ended = (id: string) =>
        until('the run ends', async () => {
          const run = (await mote.ask('GET', `/v1/runs/${id}`)).body as Run
          return run.state === 'done' ? run : null
        })
      const underWay = () =>
        until('a part of it', () => {
          const [part] = readdirSync(target).filter(name => name.startsWith('.reops-'))
          return part !== undefined && statSync(join(target, part)).size > 2 * chunkBytes
        })
      const first = await start()
      await underWay()
      await sshd.crash()
      expect((await ended(first)).targets?.[0]).toMatchObject({ state: 'lost' })
      await sshd.again()
      const second = (await ended(await start())).targets?.[0]
      expect(second).toMatchObject({ state: 'ok', value: { changed: true, bytes: bytes.length } })
      expect((second?.value as { transferred: number } | undefined)?.transferred).toBeLessThan(bytes.length)
      expect(readFileSync(path).equals(bytes)).toBe(true)
      rmSync(path)
      const third = await start()
      await underWay()
      await mote.ask('POST', `/v1/runs/${third}/cancel`, { body: {} })
      expect((await ended(third)).targets?.[0]).toMatchObject({ state: 'cancelled' })
      // Nothing of it, or all of it, when it was in its place just before it was told to end.
      const left = readdirSync(target)
      expect(left.filter(name => name !== 'file')).toEqual([])
      if (left.length > 0) expect(readFileSync(path).equals(bytes)).toBe(true)
    } finally {
      rmSync(target, { recursive: true, force: true })
      await sshd.stop()
    }
  },
  120_000,
)

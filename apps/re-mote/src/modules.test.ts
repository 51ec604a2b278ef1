import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from '@jest/globals'
import { moduleOfFunction, type Made } from '@re-ops/live/make'
import { moduleProblem, type Keyset, type Module, type Run, type SignedModule } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { enrolHost, startFakeAgent, startMote, until, type FakeAgent, type TestMote } from './testing/index.ts'

let postgres: TestPostgres
let mote: TestMote
beforeAll(async () => {
  postgres = await testPostgres()
  mote = await startMote({ databaseUrl: postgres.url })
})
afterAll(async () => {
  await mote.stop()
  await postgres.drop()
})

let count = 0
let agent: FakeAgent
let name = ''
beforeEach(async () => {
  name = `host-${(count += 1)}`
  const identity = await enrolHost(mote, { name })
  const answer = () => ({ ok: true, value: 1 }) as const
  agent = startFakeAgent({ endpoint: mote.endpoint, serverKey: identity.serverKey, identity, name, answer })
  await agent.live()
  await until('it is online', async () => {
    const { body } = await mote.ask('GET', `/v1/hosts/${identity.host}`)
    return (body as { online: boolean }).online
  })
})
afterEach(() => agent.close())

const unique = () => moduleOfFunction(`({ input }) => input.n + ${(count += 1)}`)
const bodyOf = ({ code, operations, limits, hash }: Made) => ({ code, operations, limits, hash })
const push = async (body: object, token?: string) =>
  mote.ask('POST', '/v1/modules', { body, ...(token === undefined ? {} : { token }) })
const run = async (pipeline: unknown) => mote.ask('POST', '/v1/runs?wait=10', { body: { on: name, pipeline } })
const heard = <K extends FakeAgent['heard'][number]['kind']>(kind: K) =>
  agent.heard.flatMap(m => (m.kind === kind ? [m.body as Extract<typeof m, { kind: K }>['body']] : []))
const pull = async (hash: string): Promise<SignedModule> => {
  await agent.say('module.pull', { hash })
  const parts = () => heard('module.part').filter(one => one.hash === hash)
  await until('all parts', () => parts().length > 0 && parts().length === parts()[0]?.of)
  const bytes = parts().toSorted((a, b) => a.part - b.part)
  return JSON.parse(Buffer.concat(bytes.map(one => Buffer.from(one.data, 'base64'))).toString()) as SignedModule
}

test('pushing needs its scope, is idempotent by hash, and what agents pull is signed by a key of the keyset', async () => {
  const made = unique()
  expect((await push(bodyOf(made), await mote.token('runs:write'))).status).toBe(403)
  const pusher = await mote.token('code:push')
  const first = await push(bodyOf(made), pusher)
  expect(first).toMatchObject({ status: 201, body: { hash: made.hash, pushedBy: 'test', revokedAt: null } })
  const again = await push({ ...bodyOf(made), hash: undefined })
  expect(again).toMatchObject({ status: 200, body: first.body })
  const listed = (await mote.ask('GET', '/v1/modules')).body as Module[]
  expect(listed.find(one => one.hash === made.hash)).toEqual(first.body)
  const { moduleKeys } = (await mote.ask('GET', '/v1/keyset')).body as Keyset
  expect(moduleKeys.length).toBeGreaterThan(0)
  const pulled = await pull(made.hash)
  expect(moduleProblem(moduleKeys, made.hash, pulled)).toBeNull()
  expect(pulled).toMatchObject({ code: made.code, subject: 'test' })
})

test('a big module comes in pieces of at most 64 KiB', async () => {
  const made = moduleOfFunction(`() => '${'x'.repeat(200_000)}'`)
  expect((await push(bodyOf(made))).status).toBe(201)
  expect((await pull(made.hash)).code).toBe(made.code)
  const parts = heard('module.part')
  expect(parts.length).toBe(5)
  expect(Math.max(...parts.map(one => one.data.length))).toBeLessThanOrEqual(65_536)
})

test.each([
  ['a hash that is not its own', { hash: '0'.repeat(64) }, '/body/hash'],
  ['code that is too big', { code: 'x'.repeat(524_289) }, '/body/code'],
  ['a schema that points outside', { input: { $ref: 'http://elsewhere/schema' } }, 'points outside'],
  ['a schema that is endless', { input: { $ref: '#' } }, 'not a sound schema'],
  ['a schema that is too deep', { input: JSON.parse(`${'{"not":'.repeat(40)}{}${'}'.repeat(40)}`) }, 'nested deeper'],
  ['a pattern that is none', { input: { type: 'string', pattern: '(' } }, 'which is no pattern'],
])('refused is %s', async (_, change, why) => {
  const made = unique()
  const { input, ...rest } = change as { input?: object }
  const operations = made.operations.map(one => ({ ...one, ...(input ? { input } : {}) }))
  const answer = await push({ ...bodyOf(made), hash: undefined, operations, ...rest })
  expect(answer).toMatchObject({ status: 400 })
  expect(JSON.stringify(answer.body)).toContain(why)
})

test('a run names a module: its input is checked by the module’s schema, its call carries the hash, the run shows it', async () => {
  const made = unique()
  const schema = {
    type: 'object',
    required: ['n'],
    properties: { n: { type: 'integer' }, s: { type: 'string', pattern: '^(a+)+$' } },
  }
  const operations = made.operations.map(one => ({ ...one, input: schema }))
  const { hash } = (await push({ code: made.code, operations })).body as Module
  const call = { kind: 'call', operation: 'prompt.function', module: hash, input: { n: 1 } }
  const answer = await run({ kind: 'sequence', steps: [call, { kind: 'call', operation: 'ping' }] })
  expect(answer).toMatchObject({ status: 201, body: { modules: [hash], summary: { ok: 1 } } })
  expect(heard('call').map(({ operation, module }) => ({ operation, module }))).toEqual([
    { operation: 'prompt.function', module: hash },
    { operation: 'ping', module: undefined },
  ])
  expect((await mote.ask('GET', `/v1/runs/${(answer.body as Run).id}`)).body).toMatchObject({ modules: [hash] })
  const refused = async (step: object, status: number, why: string) => {
    const said = await run(step)
    expect(said.status).toBe(status)
    expect(JSON.stringify(said.body)).toContain(why)
  }
  await refused({ ...call, input: { n: 'one' } }, 400, '/body/pipeline/input/n')
  await refused({ ...call, input: { n: 1, s: `${'a'.repeat(60)}!` } }, 400, 'takes longer than')
  await refused({ ...call, operation: 'prompt.other' }, 400, 'no operation')
  await refused({ ...call, module: 'f'.repeat(64) }, 400, 'is no module that is known here')
  await refused({ ...call, module: '../etc' }, 400, '64 hexadecimal digits')
})

test('a revoked module is told to agents, at once and at their next hello, and refused everywhere', async () => {
  const made = unique()
  await push(bodyOf(made))
  await pull(made.hash)
  const call = { kind: 'call', operation: 'prompt.function', module: made.hash, input: { n: 1 } }
  expect((await mote.ask('DELETE', `/v1/modules/${made.hash}`, { token: await mote.token('runs:write') })).status).toBe(
    403,
  )
  expect(await mote.ask('DELETE', `/v1/modules/${made.hash}`)).toMatchObject({
    status: 200,
    body: { revokedBy: 'test', revokedAt: expect.any(String) },
  })
  await until('the agent is told', () => heard('module.revoked').some(one => one.hashes.includes(made.hash)))
  expect(await run(call)).toMatchObject({ status: 400, body: { detail: expect.stringContaining('was revoked at') } })
  expect(await push(bodyOf(made))).toMatchObject({ status: 409 })
  await agent.say('module.pull', { hash: made.hash })
  await until('the pull is refused', () => heard('module.refused').some(one => one.reason === 'it is revoked'))
  const before = heard('module.revoked').length
  agent.redial()
  await agent.live()
  await until('it is told again', () => heard('module.revoked').length > before)
  expect((await mote.ask('DELETE', `/v1/modules/${'0'.repeat(64)}`)).status).toBe(404)
})

test('modules, their keys and runs of them survive the service', async () => {
  const made = unique()
  await push(bodyOf(made))
  const { moduleKeys, serial } = (await mote.ask('GET', '/v1/keyset')).body as Keyset
  agent.close()
  const call = { kind: 'call', operation: 'prompt.function', module: made.hash, input: { n: 1 } }
  const identity = await enrolHost(mote, { name: 'patient' })
  let answers = false
  const options = { endpoint: mote.endpoint, serverKey: identity.serverKey, identity, name: 'patient' }
  const patient = startFakeAgent({ ...options, answer: () => (answers ? { ok: true, value: 1 } : 'deaf') })
  await patient.live()
  await until('it is online', async () => {
    const { body } = await mote.ask('GET', `/v1/hosts/${identity.host}`)
    return (body as { online: boolean }).online
  })
  const begun = await mote.ask('POST', '/v1/runs', { body: { on: 'patient', pipeline: call } })
  mote.signal('SIGKILL')
  await mote.exited
  await mote.again()
  answers = true
  const { id } = begun.body as Run
  const ended = await until('the run ends', async () => {
    const found = (await mote.ask('GET', `/v1/runs/${id}`)).body as Run
    return found.state === 'done' ? found : null
  })
  expect(ended).toMatchObject({ modules: [made.hash], summary: { ok: 1 } })
  expect((await mote.ask('GET', '/v1/keyset')).body).toMatchObject({ moduleKeys, serial })
  const calls = patient.heard.flatMap(m => (m.kind === 'call' ? [m.body.module] : []))
  expect(new Set(calls)).toEqual(new Set([made.hash]))
  patient.close()
})

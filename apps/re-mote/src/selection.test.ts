import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { Host, Run, SavedSelector } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { enrolHost, startFakeAgent, startMote, until, type FakeAgent, type TestMote } from './testing/index.ts'
import type { FakeAgentOptions, FakeIdentity } from './testing/index.ts'

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
const agents: FakeAgent[] = []
afterEach(() => agents.splice(0).forEach(agent => agent.close()))

let count = 0
const enrolled = async (labels: Record<string, string> = {}) => {
  count += 1
  const name = `host-${count}`
  return { name, ...(await enrolHost(mote, { name, labels })) }
}
const connect = async (
  identity: FakeIdentity & { serverKey: string },
  options: Partial<FakeAgentOptions> = {},
): Promise<FakeAgent> => {
  const agent = startFakeAgent({ endpoint: mote.endpoint, serverKey: identity.serverKey, identity, ...options })
  agents.push(agent)
  await agent.live()
  await until('the host is online', async () => (await hostOf(identity.host)).online)
  return agent
}
const hostOf = async (id: string) => (await mote.ask('GET', `/v1/hosts/${id}`)).body as Host
const namesOn = async (on: string) =>
  ((await mote.ask('GET', `/v1/hosts?on=${encodeURIComponent(on)}`)).body as Host[]).map(host => host.name)
const call = (operation: string) => ({ kind: 'call', operation })
const start = (on: string, more: object = {}, wait = 10) =>
  mote.ask('POST', `/v1/runs?wait=${wait}`, { body: { on, pipeline: call('ping'), ...more } })
const runOf = async (id: string) => (await mote.ask('GET', `/v1/runs/${id}`)).body as Run
const ended = (id: string) =>
  until('the run ends', async () => {
    const run = await runOf(id)
    return run.state === 'done' ? run : null
  })
const save = (name: string, on: string, doc?: string) =>
  mote.ask('PUT', `/v1/selectors/${name}`, { body: { on, ...(doc === undefined ? {} : { doc }) } })

describe('facts', () => {
  const facts = { os: { id: 'debian', version: '12' }, cpu: { count: 4 }, addresses: ['10.0.0.7', 'fd00::7'] }

  test('of a `facts` call in any step of a pipeline are kept with the host, and select it', async () => {
    const host = await enrolled()
    const before = await mote.ask('POST', '/v1/runs', { body: { on: 'fact:os=debian', pipeline: call('ping') } })
    expect(before).toMatchObject({ status: 422, body: { detail: expect.stringContaining('reops facts refresh') } })
    await connect(host, { answer: ({ operation }) => ({ ok: true, value: operation === 'facts' ? facts : 'pong' }) })
    await start(host.name, { pipeline: { kind: 'sequence', steps: [call('facts'), call('ping')] } })
    const kept = await until('the facts are kept', async () => {
      const one = await hostOf(host.host)
      return one.factsAt === null ? null : one
    })
    expect(kept.facts).toEqual(facts)
    for (const on of ['fact:os=debian', 'fact:addresses=fd00::7', 'fact:cpu.count in ([2-8]) and fact:os.version!=11'])
      expect(await namesOn(on)).toEqual([host.name])
    expect(await namesOn('fact:cpu.count=5')).toEqual([])
  })

  test('of other operations that are facts have their name; a filtered answer is none', async () => {
    const host = await enrolled()
    const names = ['deploy', 'filtered']
    await connect(host, { answer: () => ({ ok: true, value: [{ name: names.shift() ?? 'later', uid: 1001 }] }) })
    await start(host.name, { pipeline: call('user.list') })
    await start(host.name, { pipeline: { ...call('user.list'), input: { people: true } } })
    await start(host.name, { pipeline: call('facts') }) // no facts, but behind the others in line
    await until('the users are kept', async () => (await hostOf(host.host)).factsAt !== null)
    expect((await hostOf(host.host)).facts).toEqual({ users: [{ name: 'deploy', uid: 1001 }] })
    expect(await namesOn('fact:users.name=deploy')).toEqual([host.name])
  })

  test('that failed, or are none, or that jsonb refuses, leave those that were', async () => {
    const host = await enrolled()
    const failure = { kind: 'exit' as const, message: 'no', step: '' }
    const answers = [
      { ok: true as const, value: facts },
      { ok: false as const, failure },
      { ok: true as const, value: ['none'] },
      { ok: true as const, value: { os: 'a\u0000b' } },
      { ok: true as const, value: { kernel: '6.1' } },
    ]
    await connect(host, { answer: () => answers.shift() ?? 'never' })
    while (answers.length > 0) await start(host.name, { pipeline: call('facts') })
    await until('the last facts are kept', async () => 'kernel' in (await hostOf(host.host)).facts)
    expect((await hostOf(host.host)).facts).toEqual({ ...facts, kernel: '6.1' })
  })
})

describe('saved selectors', () => {
  test('are saved, shown, used in others and in runs, changed, and removed', async () => {
    const [a, b] = [await enrolled({ role: 'a' }), await enrolled({ role: 'b', env: 'saved' })]
    expect(await save('both', 'role in (a, b)', 'the two of this test')).toMatchObject({
      status: 200,
      body: { name: 'both', on: 'role in (a, b)', doc: 'the two of this test', savedBy: 'test' },
    })
    await save('saved-b', '@both and env=saved')
    expect(await namesOn('@both')).toEqual([a.name, b.name])
    expect(await namesOn('@both and not @saved-b')).toEqual([a.name])
    const run = (await start('@saved-b', {}, 0)).body as Run
    expect((await ended(run.id)).targets?.map(target => target.host.name)).toEqual([b.name])
    expect(run.on).toBe('@saved-b')

    await save('both', 'role=a')
    expect(await namesOn('@saved-b or @both')).toEqual([a.name])
    expect(await mote.ask('DELETE', '/v1/selectors/both')).toMatchObject({
      status: 409,
      body: { detail: '@both is part of @saved-b; change or remove those first' },
    })
    const listed = (await mote.ask('GET', '/v1/selectors')).body as SavedSelector[]
    expect(listed.map(one => one.name)).toEqual(['both', 'saved-b'])
    for (const name of ['saved-b', 'both'])
      expect(await mote.ask('DELETE', `/v1/selectors/${name}`)).toMatchObject({ status: 200, body: { name } })
    expect((await mote.ask('GET', '/v1/selectors/both')).status).toBe(404)
    expect((await mote.ask('DELETE', '/v1/selectors/both')).status).toBe(404)
    const audits = await until('all is audited', async () => {
      const all = (await mote.ask('GET', '/v1/audit')).body as { action: string; detail: { name?: string } }[]
      const ours = all.filter(one => one.detail.name === 'both')
      return ours.length === 3 ? ours : null
    })
    expect(audits.map(one => one.action)).toEqual(['selector.removed', 'selector.saved', 'selector.saved'])
  })

  test('that lead back to themselves are refused with the way; errors point at the character', async () => {
    await save('x', 'role=web')
    await save('y', 'not @x')
    const errors = [
      [
        await save('x', 'role=db or @y'),
        'character 12: in `@y`, character 5: `@x` leads back to itself: @x -> @y -> @x',
      ],
      [await save('z', '@z'), 'character 1: `@z` leads back to itself: @z -> @z'],
      [await save('z', 'role='), 'character 6: found the end, expected a value'],
      [await save('z', "name-1 or '@x' and @none"), 'character 20: no selector is saved as `none`'],
      [await start('env=test and @none'), 'character 14: no selector is saved as `none`'],
    ] as const
    for (const [answer, why] of errors)
      expect(answer).toMatchObject({
        status: 400,
        body: {
          type: expect.stringContaining('bad-selector'),
          detail: `selector, ${why}`,
          errors: [{ path: '/body/on' }],
        },
      })
    expect(await mote.ask('GET', '/v1/hosts?on=@none')).toMatchObject({
      status: 400,
      body: { errors: [{ path: '/query/on' }] },
    })
    expect((await save('1x', '*')).status).toBe(400)
  })

  test('need the right to change hosts', async () => {
    const token = await mote.token('runs:write', 'hosts:read')
    expect((await mote.ask('PUT', '/v1/selectors/q', { body: { on: '*' }, token })).status).toBe(403)
    expect((await mote.ask('DELETE', '/v1/selectors/q', { token })).status).toBe(403)
    expect((await mote.ask('GET', '/v1/selectors', { token })).status).toBe(200)
  })

  test('two saved at once never lead to one another', async () => {
    await Promise.all([save('m', 'role=m'), save('n', 'role=n')])
    const answers = await Promise.all([save('m', '@n'), save('n', '@m')])
    expect(answers.map(answer => answer.status).toSorted((a, b) => a - b)).toEqual([200, 400])
  })
})

describe('a run that waits for hosts', () => {
  const state = async (id: string) => (await runOf(id)).targets?.[0]?.state

  test('starts on each as it comes online; who does not come in time is unreachable', async () => {
    const [late, never] = [await enrolled(), await enrolled()]
    const on = `${late.name} or ${never.name}`
    const run = (await start(on, { waitOnline: 3_000 }, 0)).body as Run
    expect(run).toMatchObject({ state: 'running', summary: { expected: 2, failed: 0 } })
    expect((await runOf(run.id)).targets?.map(target => target.state)).toEqual(['queued', 'queued'])
    const agent = await connect(late, { answer: () => ({ ok: true, value: 'here' }) })
    await until('the first has ended', async () => (await state(run.id)) === 'ok')
    expect(agent.started).toHaveLength(1)
    const done = await ended(run.id)
    expect(done.targets?.[1]).toMatchObject({
      state: 'unreachable',
      failure: { message: 'the host has no session; it was waited for 3 s', started: 'no' },
    })
    expect(done.targets?.[1]?.ms).toBeGreaterThanOrEqual(3_000)
  })

  test('waits in later steps too, and is cancelled at once', async () => {
    const host = await enrolled()
    const answers = ['never', 'deaf'] as const
    let asked = 0
    const agent = await connect(host, { answer: () => answers[(asked += 1) - 1] ?? 'deaf', reconnect: false })
    const pipeline = { kind: 'sequence', steps: [call('ping'), call('ping')] }
    const run = (await start(host.name, { waitOnline: 60_000, pipeline }, 0)).body as Run
    const first = await until('the first call', () => agent.started[0])
    await agent.finish(first, { ok: true, value: 1 })
    // A socket that is closed drops what it has not sent: the next call tells that the result has come.
    await until('the second call', () => asked > 1)
    agent.close()
    await until('it is gone', async () => !(await hostOf(host.host)).online)
    const again = await connect(host, { answer: () => ({ ok: true, value: 2 }), boot: agent.boot, journalCounter: 9 })
    expect((await ended(run.id)).targets?.[0]).toMatchObject({ state: 'ok', value: 2 })
    again.close()
    await until('it is gone again', async () => !(await hostOf(host.host)).online)
    const second = (await start(host.name, { waitOnline: 60_000 }, 0)).body as Run
    await mote.ask('POST', `/v1/runs/${second.id}/cancel`)
    expect((await ended(second.id)).targets?.[0]).toMatchObject({ state: 'cancelled', failure: { started: 'no' } })
  })

  test('goes on after the service was killed: the call is sent once, or provably never was', async () => {
    const [late, never] = [await enrolled(), await enrolled()]
    const waiting = (await start(late.name, { waitOnline: 600_000 }, 0)).body as Run
    const short = (await start(never.name, { waitOnline: 1 }, 0)).body as Run
    const brief = (await start(never.name, { waitOnline: 4_000 }, 0)).body as Run
    mote.signal('SIGKILL')
    await mote.exited
    await mote.again()
    expect(await state(waiting.id)).toBe('queued')
    for (const { id } of [short, brief])
      expect((await ended(id)).targets?.[0]).toMatchObject({ state: 'unreachable', failure: { started: 'no' } })
    const agent = await connect(late, { answer: () => ({ ok: true, value: 'here' }) })
    expect((await ended(waiting.id)).targets?.[0]).toMatchObject({ state: 'ok', value: 'here' })
    expect(agent.started).toHaveLength(1)
  })

  test('has a limit', async () => {
    expect(await start('*', { waitOnline: 86_400_001 })).toMatchObject({ status: 400 })
  })
})

describe('a host', () => {
  const patch = (id: string, body: object, token?: string) =>
    mote.ask('PATCH', `/v1/hosts/${id}`, { body, ...(token === undefined ? {} : { token }) })

  test('gets another name and other labels, and is selected by them', async () => {
    const host = await enrolled({ role: 'old', keep: 'yes' })
    const changed = await patch(host.host, { name: 'renamed', labels: { role: 'new', keep: null, more: '1' } })
    expect(changed).toMatchObject({ status: 200, body: { name: 'renamed', labels: { role: 'new', more: '1' } } })
    expect(await namesOn('role=new and not keep=*')).toEqual(['renamed'])
    await patch(host.host, { labels: { role: 'new' } })
    const audits = await until('it is audited', async () => {
      const all = (await mote.ask('GET', '/v1/audit')).body as { action: string; host: string; detail: unknown }[]
      const ours = all.filter(one => one.host === host.host && one.action === 'host.changed')
      return ours.length > 0 ? ours : null
    })
    expect(audits).toMatchObject([
      { detail: { name: { from: host.name, to: 'renamed' }, labels: { role: 'new', keep: null, more: '1' } } },
    ])
  })

  test('keeps them against what is not allowed, which is named', async () => {
    const [host, other] = [await enrolled(), await enrolled()]
    const many = Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`k${n}`, 'v']))
    await patch(host.host, { labels: many })
    const answers = [
      [{ name: other.name }, 409, 'is called'],
      [{ labels: { one: 'more' } }, 409, 'at most 64 labels'],
      [{ labels: { '1': 'x' } }, 400, '/body/labels'],
      [{ labels: { k1: 'x\u0000' } }, 400, 'NUL'],
      [{ name: 'a b' }, 400, '/body/name'],
      [{}, 400, '/body'],
    ] as const
    for (const [body, status, why] of answers)
      expect(await patch(host.host, body)).toMatchObject({ status, body: { detail: expect.stringContaining(why) } })
    expect((await patch(host.host, { name: 'x' }, await mote.token('hosts:read'))).status).toBe(403)
    expect((await patch(host.host.replace(/.$/, '0').replace(/^./, 'f'), { name: 'x' })).status).toBe(404)
    await mote.ask('DELETE', `/v1/hosts/${host.host}`)
    expect((await patch(host.host, { name: 'x' })).status).toBe(409)
  })
})

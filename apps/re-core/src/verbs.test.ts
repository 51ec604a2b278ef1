import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newId, type Job } from '@re-ops/protocols'
import { testDatabase, type TestDatabase } from './testing/database.ts'
import { makeService, until, type TestService } from './testing/service.ts'

let database: TestDatabase
let service: TestService
beforeAll(async () => {
  database = await testDatabase()
  service = await makeService(await database.fresh())
  await service.start()
})
afterAll(async () => {
  await service.stop()
  await database.stop()
})

const post = (path: string, body: object = {}) => service.ask('POST', path, { body })
const create = async (name: string, more: object = {}): Promise<Job> => {
  const { status, body } = await post('/v1/systems', { name, ...more })
  expect(status).toBe(202)
  return (body['jobs'] as Job[])[0] as Job
}
const ready = async (name: string, more: object = {}) => {
  await ended((await create(name, more)).id, 'done')
  return service.system(name)
}
const ended = (id: string, state: Job['state']): Promise<Job> =>
  until(`job ${id} has ended`, async () => {
    const job = await service.job(id)
    if (job.finishedAt === null) return false
    expect([job.state, job.error]).toEqual([state, state === 'done' ? null : expect.any(String)])
    return job
  })
const asked = async (path: string, body: object = {}, method = 'POST'): Promise<Job> => {
  const reply = await service.ask(method, path, { body })
  expect([path, reply.status, reply.body['detail'] ?? null]).toEqual([path, 202, null])
  return reply.body as unknown as Job
}
const marks = async (ref: string | null) =>
  JSON.parse(await readFile(join(service.root, String(ref), 'marks.json'), 'utf8')) as object
const pidOf = async (ref: string | null) =>
  JSON.parse(await readFile(join(service.root, String(ref), 'process.json'), 'utf8')) as object

describe('verbs of a system that is there', () => {
  test('reboot: the same machine with another process; a stopped one is refused', async () => {
    const before = await ready('again')
    const process = await pidOf(before.ref)
    await ended((await asked('/v1/systems/again/reboot')).id, 'done')
    const after = await service.system('again')
    expect([after.ref, after.phase, after.generation]).toEqual([before.ref, 'ready', 1])
    expect(await pidOf(after.ref)).not.toEqual(process)
    await ended((await asked('/v1/systems/again/stop', { force: true })).id, 'done')
    expect((await post('/v1/systems/again/reboot')).body).toMatchObject({
      status: 409,
      detail: 'again is stopped; start it instead',
    })
  })

  test('labels and name reach the provider and the host, and are told again by nobody', async () => {
    const { id, ref } = await ready('old', { labels: { env: 'test', gone: 'soon' } })
    const labels = { env: 'prod', tier: '1', gone: null }
    const job = await ended((await asked('/v1/systems/old', { labels }, 'PATCH')).id, 'done')
    expect(job).toMatchObject({ verb: 'label', input: { labels: { env: 'prod', tier: '1' } } })
    await ended((await asked('/v1/systems/old', { name: 'new' }, 'PATCH')).id, 'done')
    expect(await service.system('new')).toMatchObject({ id, ref, labels: { env: 'prod', tier: '1' }, phase: 'ready' })
    expect(await marks(ref)).toMatchObject({ name: 'new', tags: { env: 'prod', tier: '1' } })
    const told = service.mote.seen.filter(one => one.method === 'PATCH').map(one => one.body)
    expect(told).toEqual([{ labels }, { name: 'new' }])
    expect((await service.ask('GET', '/v1/systems/old')).status).toBe(404)
  })

  test('its console is followed, for who may change it; what can only be read is not typed into', async () => {
    const { ref, address } = await ready('told')
    expect(address).toBe('127.0.0.1')
    await appendFile(join(service.root, String(ref), 'agent.log'), 'hello\n')
    const reply = await fetch(`${service.url()}/v1/systems/told/console`, {
      headers: { authorization: `Bearer ${await service.tokenFor('systems:write')}` },
    })
    expect(reply.status).toBe(200)
    let text = ''
    const reader = reply.body!.pipeThrough(new TextDecoderStream()).getReader()
    const read = async (what: string) => {
      while (!text.includes(what)) text += (await reader.read()).value ?? ''
    }
    await read(Buffer.from('hello\n').toString('base64'))
    const [, id] = /event: open\ndata: \{"id":"([^"]+)","kind":"log","input":false\}/.exec(text) ?? []
    const type = (console: string) => post(`/v1/systems/told/consoles/${console}`, { data: 'aGk=' })
    expect((await type(String(id))).status).toBe(409)
    // From now on another replica is asked; the console stays where it is.
    await service.start()
    expect([(await type(String(id))).status, (await type(newId())).status]).toEqual([409, 404])
    const token = await service.tokenFor('systems:read')
    expect((await service.ask('GET', '/v1/systems/told/console', { token })).status).toBe(403)
    await ended((await asked('/v1/systems/told', {}, 'DELETE')).id, 'done')
    await read('event: end\ndata: {"why":null}')
    expect((await service.ask('GET', '/v1/systems/told/console')).body).toMatchObject({ status: 409 })
  })

  test('what a provider does not offer, and what cannot be, is refused before there is a job', async () => {
    await ready('plain')
    await ready('other')
    const refusals: [string, string, object, number, RegExp][] = [
      ['POST', 'plain/resize', { size: 'large' }, 422, /provider local does not offer it; allowed: start, stop/],
      ['POST', 'plain/resize', {}, 400, /size/],
      ['POST', 'plain/stop', { forceAfterSeconds: -1 }, 400, /forceAfterSeconds must be >= 0/],
      ['POST', 'plain/reboot', { hard: true }, 400, /hard unknown field; allowed are force/],
      ['POST', 'plain/snapshots', { name: 'golden' }, 422, /provider local has no snapshots/],
      ['PATCH', 'plain', { name: 'other' }, 409, /name other is taken/],
      ['PATCH', 'plain', { labels: { system: 'x' } }, 422, /says which system it is, and cannot be set/],
      ['PATCH', 'plain', { name: 'a', labels: {} }, 400, /more than 1 prop|fewer than|properties/],
      ['POST', 'plain/forget', {}, 422, /of the re-core that made it; allowed: systems destroy plain$/],
      ['POST', 'nobody/reboot', {}, 404, /no system has the id or name nobody/],
    ]
    for (const [method, path, body, status, says] of refusals) {
      const reply = await service.ask(method, `/v1/systems/${path}`, { body })
      expect([path, reply.status]).toEqual([path, status])
      expect(String(reply.body['detail'])).toMatch(says)
    }
    expect(await jobsOf('plain')).toEqual(['create'])
    const elsewhere = await service.ask('POST', '/v1/systems', { body: { name: 'x', account: 'nobodys' } })
    expect([elsewhere.status, elsewhere.body['detail']]).toEqual([422, 'account is nobodys; allowed: local'])
    const image = await service.ask('POST', '/v1/systems', { body: { name: 'x', image: 'snapshot:none' } })
    expect([image.status, image.body['detail']]).toEqual([422, expect.stringMatching(/there is no such snapshot/)])
    expect((await service.ask('GET', '/v1/snapshots')).body).toEqual([])
    expect((await service.ask('DELETE', '/v1/snapshots/none')).status).toBe(404)
  })
})
const jobsOf = async (name: string) =>
  ((await service.ask('GET', `/v1/jobs?system=${name}`)).body as unknown as Job[]).map(job => job.verb)

describe('cancel and retry', () => {
  test('a create that is cancelled ends without a machine, however far it was', async () => {
    service.mote.state.up = false
    const job = await create('never')
    const cancelled = await asked(`/v1/jobs/${job.id}/cancel`)
    expect(cancelled.id).toBe(job.id)
    service.mote.state.up = true
    await ended(job.id, 'cancelled')
    expect(await service.system('never')).toMatchObject({ phase: 'gone' })
    const again = await post(`/v1/jobs/${job.id}/retry`)
    expect([again.status, again.body['detail']]).toEqual([409, 'never is gone; create a new one'])
  })

  test('one that won is done, and cancelling it changes nothing', async () => {
    const job = await create('won')
    await ended(job.id, 'done')
    expect(await asked(`/v1/jobs/${job.id}/cancel`)).toMatchObject({ id: job.id, state: 'done' })
    expect(await service.system('won')).toMatchObject({ phase: 'ready', desired: 'running' })
    expect((await post(`/v1/jobs/${job.id}/retry`)).body).toMatchObject({
      status: 409,
      detail: 'create of won is done; allowed: failed, uncertain, cancelled',
    })
  })

  test('cancelled at any moment of a create: absent, or running; never in between', async () => {
    const jobs = await Promise.all(Array.from({ length: 6 }, (_, n) => create(`race-${n}`)))
    for (const job of jobs) await asked(`/v1/jobs/${job.id}/cancel`)
    for (const job of jobs) {
      const { state } = await until(`${job.name} has ended`, async () => {
        const now = await service.job(job.id)
        return now.finishedAt !== null && now
      })
      const system = await service.system(job.name)
      expect([state, system.phase]).toEqual(state === 'done' ? ['done', 'ready'] : ['cancelled', 'gone'])
      expect((await service.running()).includes(String(system.ref))).toBe(state === 'done')
    }
  })

  test('a job that was cancelled can be asked for again; unknown ones are 404', async () => {
    await ready('back')
    service.mote.state.up = false
    const reload = await asked('/v1/systems/back/reload')
    const cancel = await post(`/v1/jobs/${reload.id}/cancel`)
    service.mote.state.up = true
    if (cancel.status === 202) {
      await ended(reload.id, 'cancelled')
      await ended((await asked(`/v1/jobs/${reload.id}/retry`)).id, 'done')
    } else {
      expect(String(cancel.body['detail'])).toMatch(/its machine is destroyed already/)
      await ended(reload.id, 'done')
    }
    expect(await service.system('back')).toMatchObject({ phase: 'ready', generation: 2 })
    for (const verb of ['cancel', 'retry']) expect((await post(`/v1/jobs/${newId()}/${verb}`)).status).toBe(404)
  })
})

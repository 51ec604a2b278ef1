import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newId, type Job, type System } from '@re-ops/protocols'
import type { Pool } from 'pg'
import { testPool } from '@re-ops/service/testing'
import { testDatabase, type TestDatabase } from './testing/database.ts'
import { makeService, until, type TestService } from './testing/service.ts'

let database: TestDatabase
let service: TestService
let pool: Pool
beforeAll(async () => {
  database = await testDatabase()
  const url = await database.fresh()
  pool = testPool(url)
  service = await makeService(url)
  await service.start()
})
afterAll(async () => {
  await service.stop()
  await pool.end()
  await database.stop()
})

type Created = { systems: System[]; jobs: Job[] }
const create = async (name: string, more: object = {}) => {
  const { status, body } = await service.ask('POST', '/v1/systems', { body: { name, ...more } })
  expect(status).toBe(202)
  return body as unknown as Created
}
const phase = (name: string, wanted: string) =>
  until(`${name} is ${wanted}`, async () => {
    const system = await service.system(name)
    return system.phase === wanted && system
  })

describe('systems over HTTP', () => {
  test('three created by one request become ready; phases and times are told', async () => {
    const { systems, jobs } = await create('web', { count: 3, type: 'web', labels: { env: 'test' } })
    expect(systems.map(one => one.name)).toEqual(['web-1', 'web-2', 'web-3'])
    expect(jobs.map(one => `${one.verb} ${one.state}`)).toEqual(Array(3).fill('create queued'))
    for (const { name } of systems) {
      const system = await phase(name, 'ready')
      expect(system.phases.map(one => one.name)).toEqual(['planned', 'requested', 'booting', 'enrolled', 'ready'])
      expect(system.phases.slice(0, -1).every(one => typeof one.ms === 'number')).toBe(true)
      expect(system.readyAfterMs).toBeGreaterThan(0)
      expect(system.host).not.toBeNull()
    }
    const done = await service.job(jobs[0]?.id ?? '')
    expect(done).toMatchObject({ state: 'done', error: null, name: 'web-1' })
    expect(done.phases.map(one => one.name)).toEqual(['planned', 'requested', 'booting', 'enrolled', 'ready'])
    const metrics = await (await fetch(`${service.url()}/metrics`)).text()
    expect(metrics).toMatch(/recore_create_call_seconds_count\{.*\} [1-9]/)
  })

  test('a reply lost and the request sent again makes one system; the key with another body is refused', async () => {
    const key = newId()
    const asked = { body: { name: 'once' }, key }
    const answers = await Promise.all([1, 2, 3].map(() => service.ask('POST', '/v1/systems', asked)))
    expect(answers.map(one => one.status)).toEqual([202, 202, 202])
    expect(new Set(answers.map(one => JSON.stringify(one.body))).size).toBe(1)
    const other = await service.ask('POST', '/v1/systems', { body: { name: 'other' }, key })
    expect(other.status).toBe(409)
    expect((await service.systems()).filter(one => one.name === 'once' || one.name === 'other')).toHaveLength(1)
  })

  test('names are unique among those not gone, and free again afterwards', async () => {
    await create('unique')
    const again = await service.ask('POST', '/v1/systems', { body: { name: 'unique' } })
    expect([again.status, again.body['type']]).toEqual([409, 'about:blank#name-taken'])
    await phase('unique', 'ready')
    await service.ask('DELETE', '/v1/systems/unique')
    await phase('unique', 'gone')
    await create('unique')
    await phase('unique', 'ready')
  })

  test('the same verb joins its job, destroy supersedes, others are told what is running', async () => {
    service.mote.state.up = false
    const { jobs } = await create('busy')
    const stop = await service.ask('POST', '/v1/systems/busy/stop', { body: {} })
    expect(stop.status).toBe(409)
    expect(stop.body['detail']).toContain(`create of busy is`)
    const destroy = await service.ask('DELETE', '/v1/systems/busy')
    const again = await service.ask('DELETE', '/v1/systems/busy')
    expect(destroy.status).toBe(202)
    expect(again.body['id']).toBe(destroy.body['id'])
    expect(await service.job(jobs[0]?.id ?? '')).toMatchObject({ state: 'cancelled', error: 'superseded by destroy' })
    service.mote.state.up = true
    await phase('busy', 'gone')
    expect(await service.job(destroy.body['id'] as string)).toMatchObject({ state: 'done' })
  })

  test('stop, start and reload end done; what is protected is not destroyed', async () => {
    await create('kept', { protected: true })
    await phase('kept', 'ready')
    for (const [method, path] of [
      ['DELETE', '/v1/systems/kept'],
      ['POST', '/v1/systems/kept/reload'],
    ] as const)
      expect((await service.ask(method, path)).body['type']).toBe('about:blank#protected')
    await service.ask('POST', '/v1/systems/kept/stop', { body: {} })
    const stopped = await phase('kept', 'stopped')
    expect(await service.running()).not.toContain(stopped.ref)
    await service.ask('POST', '/v1/systems/kept/start', { body: {} })
    await phase('kept', 'ready')
  })

  test('protection is given and taken at any time, its provider is told, and then it can be destroyed', async () => {
    const ask = async (verb: string) => {
      const asked = await service.ask('POST', `/v1/systems/dear/${verb}`, { body: {} })
      expect(asked.status).toBe(202)
      await until(`${verb} is done`, async () => {
        const job = await service.job(asked.body['id'] as string)
        return job.state === 'done' && job
      })
    }
    await create('dear')
    await phase('dear', 'ready')
    await ask('protect')
    expect(await service.system('dear')).toMatchObject({ protected: true, phase: 'ready' })
    const refused = await service.ask('DELETE', '/v1/systems/dear')
    expect(refused.body).toMatchObject({ status: 409, type: 'about:blank#protected' })
    expect(refused.body['detail']).toMatch(/unprotect it first/)
    await ask('unprotect')
    expect((await service.ask('DELETE', '/v1/systems/dear')).status).toBe(202)
    await phase('dear', 'gone')
  })

  test('while re-mote is down a system waits in planned and says so; then it goes on', async () => {
    service.mote.state.up = false
    await create('waiting')
    const waiting = await until('a reason', async () => {
      const system = await service.system('waiting')
      return system.reason !== null && system
    })
    expect(waiting.phase).toBe('planned')
    expect(waiting.reason).toMatch(/re-mote at http:.* does not answer/)
    const [job] = (await service.ask('GET', '/v1/jobs?system=waiting')).body as unknown as Job[]
    expect(job).toMatchObject({ state: 'waiting', error: waiting.reason })
    service.mote.state.up = true
    await phase('waiting', 'ready')
  })

  test('events carry each change as it happens', async () => {
    const aborting = new AbortController()
    const token = await service.tokenFor('systems:read')
    const reply = await fetch(`${service.url()}/v1/events`, {
      headers: { authorization: `Bearer ${token}` },
      signal: aborting.signal,
    })
    let text = ''
    const reading = (async () => {
      for await (const chunk of reply.body ?? []) text += Buffer.from(chunk).toString()
    })().catch(() => null)
    await create('told')
    await phase('told', 'ready')
    // Events of systems and of jobs are in no order among one another.
    await until('the job is done', async () => /event: job\ndata: .*"name":"told".*"state":"done"/.test(text))
    await until('the system is ready', async () => /event: system\ndata: .*"name":"told".*"phase":"ready"/.test(text))
    aborting.abort()
    await reading
  })
})

describe('bad input', () => {
  test.each<[string, { body?: unknown; text?: string }, number, string]>([
    ['unknown provider', { body: { name: 'a', provider: 'cloud' } }, 400, 'provider'],
    ['no account of the provider', { body: { name: 'a', provider: 'kvm' } }, 422, 'allowed of provider kvm: none yet'],
    ['readiness not offered', { body: { name: 'a', readiness: 'ssh' } }, 422, 'allowed: agent, none'],
    ['a local machine without agent', { body: { name: 'a', readiness: 'none' } }, 422, 'readiness must be agent'],
    ['name with a slash', { body: { name: '../a' } }, 400, 'name'],
    ['no name', { body: {} }, 400, 'name'],
    ['unknown field', { body: { name: 'a', colour: 'red' } }, 400, 'colour'],
    ['count too high', { body: { name: 'a', count: 201 } }, 400, 'count'],
    ['malformed JSON', { text: '{"name":' }, 400, 'JSON'],
    ['a body of 10 MB', { text: JSON.stringify({ name: 'x'.repeat(10_000_000) }) }, 413, ''],
  ])('%s', async (_what, asked, status, words) => {
    const reply = await service.ask('POST', '/v1/systems', asked)
    expect(reply.status).toBe(status)
    expect(JSON.stringify(reply.body)).toContain(words)
    expect(String(reply.body['detail'])).not.toContain('\n')
    expect((await fetch(`${service.url()}/health`)).status).toBe(200)
  })

  test('no token 401, too small a scope 403, unknown system and job 404', async () => {
    expect((await service.ask('GET', '/v1/systems', { token: null })).status).toBe(401)
    expect((await service.ask('GET', '/v1/systems', { token: 'nonsense' })).status).toBe(401)
    const reader = await service.tokenFor('systems:read')
    expect((await service.ask('POST', '/v1/systems', { token: reader, body: { name: 'a' } })).status).toBe(403)
    const stranger = await service.tokenFor('hosts:read')
    expect((await service.ask('GET', '/v1/jobs', { token: stranger })).status).toBe(403)
    expect((await service.ask('GET', '/v1/systems/nobody')).status).toBe(404)
    expect((await service.ask('DELETE', `/v1/systems/${newId()}`)).status).toBe(404)
    expect((await service.ask('GET', `/v1/jobs/${newId()}`)).status).toBe(404)
  })

  test.each([
    ['a port in use', () => ({ RECORE_PORT: new URL(service.url()).port }), 1, 'in use'],
    ['an unwritable state folder', () => ({ REOPS_STATE: '/proc/nowhere' }), 1, 'REOPS_STATE'],
    ['no Postgres URL', () => ({ DATABASE_URL: 'mysql://canary@host/x' }), 2, 'DATABASE_URL'],
    ['a port that is none', () => ({ RECORE_PORT: 'http' }), 2, 'RECORE_PORT'],
    ['faults outside the proof kit', () => ({ REOPS_FAULTS: 'no-fence' }), 2, 'REOPS_PROOF_KIT=1'],
  ])('%s is one line and an exit code', async (_what, environment, code, words) => {
    const ended = await service.run([], environment())
    expect([ended.code, ended.said]).toEqual([code, expect.stringContaining(words)])
    expect(ended.said.split('\n').filter(line => line.startsWith('re-core:'))).toHaveLength(1)
    expect(ended.said).not.toContain('canary')
  })
})

describe('secrets and restarts', () => {
  test('the enrolment token stands in the config of its machine and nowhere else', async () => {
    await create('secretive')
    const { ref } = await phase('secretive', 'ready')
    const config = JSON.parse(await readFile(join(service.root, ref ?? '', 'config.json'), 'utf8')) as { token: string }
    const canary = config.token.split('.')[1] ?? ''
    expect(canary).toHaveLength(43)
    const { rows } = await pool.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('core', 'core_boss')`,
    )
    const tables = await Promise.all(rows.map(({ name }) => pool.query(`select t::text from ${name} t`)))
    const places = [
      ...tables.map(one => JSON.stringify(one.rows)),
      service.output.join(''),
      JSON.stringify(await service.ask('GET', '/v1/systems')),
      JSON.stringify(await service.ask('GET', '/v1/jobs')),
      JSON.stringify(service.mote.seen),
      await (await fetch(`${service.url()}/metrics`)).text(),
    ]
    for (const place of places) expect(place.includes(canary)).toBe(false)
  })

  test('killed (-9) while many are created: the next one goes on, one machine each', async () => {
    const before = (await service.running()).length
    await create('burst', { count: 8 })
    await until('some are under way', async () => (await service.running()).length > before)
    await service.end('SIGKILL')
    await service.start()
    for (let n = 1; n <= 8; n += 1) await phase(`burst-${n}`, 'ready')
    const systems = await service.systems()
    expect((await service.running()).toSorted()).toEqual(systems.flatMap(one => one.ref ?? []).toSorted())
  })

  test('power off changes nothing that is wanted; the next start powers on within moments', async () => {
    const wanted = (await service.running()).toSorted()
    const alive = await service.running()
    expect(await service.end('SIGTERM')).toBe(0)
    expect(await service.running()).toHaveLength(alive.length)
    const began = performance.now()
    const ended = await service.run(['--power-off-local'], { DATABASE_URL: '' })
    expect(ended).toMatchObject({ code: 0, said: `re-core: ${alive.length} local machines powered off\n` })
    // Under two seconds on a machine that does nothing else; this only tells moments from minutes.
    expect(performance.now() - began).toBeLessThan(30_000)
    expect(await service.running()).toEqual([])
    await service.start()
    await until('all run again', async () => (await service.running()).length === wanted.length, 30_000)
    expect((await service.running()).toSorted()).toEqual(wanted)
    await until('all ready', async () => (await service.systems()).every(one => one.phase === 'ready'))
  })
})

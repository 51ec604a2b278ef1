import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ResolvedValue, System, SystemsPlan, Word, WordChange } from '@re-ops/protocols'
import { testDatabase, type TestDatabase } from './testing/database.ts'
import { makeService, type TestService } from './testing/service.ts'

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

const plan = async (body: object) => {
  const { status, body: answer } = await service.ask('POST', '/v1/systems/plan', { body })
  expect([status, answer]).toMatchObject([200, {}])
  return answer as unknown as SystemsPlan
}
const apply = async (body: object, query = '') =>
  (await service.ask('PUT', `/v1/words${query}`, { body })).body as unknown as WordChange[]
const changed = (changes: WordChange[]) => changes.map(one => `${one.change} ${one.kind}/${one.name}`)
const from = (values: ResolvedValue[], path: string) => values.find(one => one.path === path)

describe('words over HTTP', () => {
  test('shipped words work at once: the same size and image mean something here', async () => {
    const { systems, values } = await plan({ name: 'web', count: 2, size: 'small', image: 'debian-12' })
    expect(systems.map(one => [one.name, one.size, one.image])).toEqual([
      ['web-1', 'process', 'this-computer'],
      ['web-2', 'process', 'this-computer'],
    ])
    expect(from(values, 'size')).toEqual({ path: 'size', value: 'process', from: 'size small' })
    expect(from(values, 'provider')).toEqual({ path: 'provider', value: 'local', from: 'default' })
    expect(await service.systems()).toEqual([])
  })

  test('a file is applied whole: a dry run changes nothing, then types and presets are in what is made', async () => {
    const file = {
      types: { web: { size: 'medium', labels: { role: 'web' }, presets: ['base'] } },
      presets: { base: { labels: { owner: 'ops' } } },
    }
    expect(changed(await apply(file, '?dryRun=true'))).toEqual(['added types/web', 'added presets/base'])
    expect((await service.ask('GET', '/v1/words/types')).body).toEqual([])
    expect(changed(await apply(file))).toEqual(['added types/web', 'added presets/base'])
    expect(changed(await apply(file))).toEqual(['same types/web', 'same presets/base'])
    const made = await service.ask('POST', '/v1/systems', { body: { name: 'a', type: 'web', labels: { owner: 'me' } } })
    const [system] = made.body['systems'] as System[]
    expect(system).toMatchObject({ size: 'process', type: 'web', labels: { role: 'web', owner: 'me' } })
    const less = { presets: { base: { labels: { owner: 'ops' } } } }
    expect(changed(await apply(less, '?prune=true'))).toEqual(['removed types/web', 'same presets/base'])
  })

  test('one word is saved, shown and removed; what came with re-core counts again, and cannot be removed', async () => {
    const on = { local: 'process' }
    const saved = await service.ask('PUT', '/v1/words/sizes/tiny', { body: { on, doc: 'smallest' } })
    expect([saved.status, saved.body]).toEqual([
      200,
      { kind: 'sizes', name: 'tiny', shipped: false, body: { on, doc: 'smallest' } },
    ])
    await service.ask('PUT', '/v1/words/sizes/small', { body: { on: { ec2: 't3a.small' } } })
    const small = async () => (await service.ask('GET', '/v1/words/sizes/small')).body as unknown as Word
    expect(await small()).toMatchObject({ shipped: false, body: { on: { ec2: 't3a.small', local: 'process' } } })
    expect((await service.ask('DELETE', '/v1/words/sizes/small')).status).toBe(200)
    expect(await small()).toMatchObject({ shipped: true, body: { on: { ec2: 't3.small' } } })
    expect((await service.ask('DELETE', '/v1/words/sizes/small')).status).toBe(409)
  })

  test('a preset in use stays', async () => {
    await apply({ presets: { low: { size: 'small' } }, types: { db: { presets: ['low'] } } })
    const refused = await service.ask('DELETE', '/v1/words/presets/low')
    expect([refused.status, refused.body['detail']]).toEqual([409, 'low is used by types/db'])
  })
})

describe('prices over HTTP', () => {
  test('what costs nothing says so, before and after, and adds nothing up', async () => {
    const { cost } = await plan({ name: 'free', count: 3 })
    expect(cost).toMatchObject({ count: 3, each: { hourly: 0, hourlyStopped: 0, why: null } })
    const made = await service.ask('POST', '/v1/systems', { body: { name: 'free' } })
    expect(made.body['cost']).toMatchObject({ count: 1, each: { hourly: 0 } })
    const costs = (await service.ask('GET', '/v1/costs?system=free')).body
    expect(costs).toMatchObject([{ name: 'free', provider: 'local', hourlyNow: 0, spent: 0 }])
  })
})

describe('bad input names the field and what is allowed, and changes nothing', () => {
  test.each<[string, string, string, object, number, string]>([
    ['a field', 'PUT', '/v1/words', { types: { web: { colour: 'red' } } }, 400, '/body/types/web/colour unknown field'],
    ['a provider', 'PUT', '/v1/words', { sizes: { s: { on: { aws: 'x' } } } }, 400, '/body/sizes/s/on/aws'],
    ['a kind', 'PUT', '/v1/words', { flavors: {} }, 400, 'allowed are sizes, images, regions, types, presets'],
    ['a name', 'PUT', '/v1/words', { types: { 'We b': {} } }, 400, '/body/types/We b'],
    ['a kind in the path', 'PUT', '/v1/words/flavors/a', { on: {} }, 400, '/params/kind must be one of sizes'],
    ['one body', 'PUT', '/v1/words/types/a', { on: {} }, 400, '/body/on unknown field; allowed are doc, presets'],
    ['a preset', 'PUT', '/v1/words', { types: { a: { presets: ['x'] } } }, 422, '/types/a/presets/0 preset is x'],
    ['a circle', 'PUT', '/v1/words', { presets: { a: { presets: ['a'] } } }, 422, 'stands on itself'],
    [
      'asked preset',
      'POST',
      '/v1/systems/plan',
      { name: 'a', presets: ['x'] },
      422,
      '/presets/0 preset is x; allowed:',
    ],
    ['asked region', 'POST', '/v1/systems/plan', { name: 'a', region: 'mars' }, 422, 'allowed of provider local'],
    ['asked size', 'POST', '/v1/systems/plan', { name: 'a', size: 'huge' }, 422, 'size is huge; allowed of provider'],
    ['asked image', 'POST', '/v1/systems', { name: 'a', image: 'amazon-linux-9' }, 422, 'image is amazon-linux-9'],
  ])('%s', async (_what, method, path, body, status, words) => {
    const reply = await service.ask(method, path, { body })
    expect([reply.status, reply.body['detail']]).toEqual([status, expect.stringContaining(words)])
  })
})

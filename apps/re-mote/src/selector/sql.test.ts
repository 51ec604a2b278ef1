import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newId, parseSelector, patternMatches, selects, type Selector } from '@re-ops/protocols'
import type { Pool } from '@re-ops/service'
import fc from 'fast-check'
import { patternToRegExp } from './pattern.ts'
import { selectorToSql } from './sql.ts'
import { migratedDatabase, type MigratedDatabase } from '../testing/migrated.ts'

let database: MigratedDatabase
let pool: Pool
beforeAll(async () => {
  database = await migratedDatabase()
  pool = database.pool
})
afterAll(async () => {
  await database.close()
})

type TestHost = { id: string; name: string; labels: Record<string, string>; facts: Record<string, unknown> }
const store = async (hosts: readonly TestHost[]) => {
  await pool.query('truncate mote.host')
  await pool.query(
    `insert into mote.host (id, name, labels, facts, curve_key, sign_key, instance)
     select h.id, h.name, h.labels, h.facts, h.id::text, '', '' from unnest($1::uuid[], $2::text[], $3::jsonb[], $4::jsonb[]) as h(id, name, labels, facts)`,
    [
      hosts.map(h => h.id),
      hosts.map(h => h.name),
      hosts.map(h => JSON.stringify(h.labels)),
      hosts.map(h => JSON.stringify(h.facts)),
    ],
  )
}
const picked = async (selector: Selector): Promise<string[]> => {
  const parameters: unknown[] = []
  const condition = selectorToSql(selector, parameters)
  const { rows } = await pool.query<{ id: string }>(
    `select h.id from mote.host h where ${condition} order by h.id`,
    parameters,
  )
  return rows.map(row => row.id)
}

const names = ['web1', 'web01', 'web-2', 'web10', 'db.1', 'DB.1', 'a+b', 'x', 'web']
const keys = ['role', 'env', 'a.b', 'length']
const words = [
  'web',
  'db',
  'prod',
  '',
  '10',
  'true',
  'a*',
  '1.5',
  'we?',
  '.*',
  '[1-20]',
  'web[01-12]',
  '*',
  'é',
  '[x]',
  '7',
  '7.0',
  '1e1',
  '-1',
  'a"b',
  "a'b\\",
]
const leaf = fc.oneof(
  fc.constantFrom(...words),
  fc.integer({ min: -5, max: 20 }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(1.5),
)
const thing = fc.dictionary(
  fc.constantFrom('id', 'b', '0', 'length', '-1'),
  fc.oneof(leaf, fc.array(leaf, { maxLength: 2 }), fc.dictionary(fc.constantFrom('id', 'b'), leaf)),
)
const facts = fc.dictionary(
  fc.constantFrom('os', 'cpu', 'disks', 'a'),
  fc.oneof(leaf, fc.array(fc.oneof(leaf, fc.array(leaf, { maxLength: 2 }), thing), { maxLength: 3 }), thing),
)
const hosts = fc.array(
  fc.record({
    id: fc.uuid().map(() => newId()),
    name: fc.constantFrom(...names),
    labels: fc.dictionary(fc.constantFrom(...keys), fc.constantFrom(...words)),
    facts,
  }),
  { minLength: 1, maxLength: 12 },
)
const paths = [
  'os',
  'cpu',
  'disks',
  'disks.0',
  'disks.1',
  'disks.length',
  'disks.b',
  'disks.b.id',
  'disks.0.b',
  'a.b',
  'a.b.b',
  'a..b',
  'a.-1',
  'a.0',
  'a.id',
  'disks.-1',
  'os.x',
  'constructor',
]
const term: fc.Arbitrary<Selector> = fc.oneof(
  fc.constant<Selector>({ kind: 'all' }),
  fc
    .constantFrom(...names, ...words, 'web[1-10]', 'web[01-09]', 'w*[1-2]', 'web-[2,5]*')
    .map((pattern): Selector => ({ kind: 'name', pattern })),
  fc
    .record({
      key: fc.constantFrom(...keys),
      values: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }),
      negated: fc.boolean(),
    })
    .map((one): Selector => ({ kind: 'label', ...one })),
  fc
    .record({
      key: fc.constantFrom(...paths),
      values: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }),
      negated: fc.boolean(),
    })
    .map((one): Selector => ({ kind: 'fact', ...one })),
)
const selectors = fc.letrec<{ any: Selector }>(tie => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    term,
    tie('any').map((of): Selector => ({ kind: 'not', of })),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      of: fc.array(tie('any'), { minLength: 1, maxLength: 3 }),
    }),
  ),
})).any

describe('a selector in SQL', () => {
  test('picks the hosts that `selects` picks', async () => {
    await fc.assert(
      fc.asyncProperty(hosts, fc.array(selectors, { minLength: 5, maxLength: 5 }), async (there, several) => {
        await store(there)
        for (const selector of several) {
          const expected = there.filter(host => selects(selector, host)).map(host => host.id)
          expect(await picked(selector)).toEqual(expected.toSorted())
        }
      }),
      { numRuns: 50 },
    )
  })

  test('a pattern as a regular expression matches what the pattern matches', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1200 }),
        fc.integer({ min: 0, max: 1200 }),
        fc.integer({ min: 1, max: 4 }),
        (a, b, width) => {
          const [first, last] = [Math.min(a, b), Math.max(a, b)]
          const pattern = `w[${String(first).padStart(width, '0')}-${last}]*`
          const expression = new RegExp(patternToRegExp(pattern), 's')
          for (let n = 0; n <= 1300; n += 7)
            for (const text of [`w${n}`, `w${String(n).padStart(3, '0')}-x`])
              if (expression.test(text) !== patternMatches(pattern, text))
                throw new Error(`${pattern} and ${text}: ${expression.source}`)
        },
      ),
      { numRuns: 200 },
    )
  })

  describe('among 10,000 hosts', () => {
    beforeAll(async () => {
      const many = Array.from({ length: 10_000 }, (_, n) => ({
        id: newId(),
        name: `${n % 2 ? 'web' : 'db'}-${n}`,
        labels: { role: n % 2 ? 'web' : 'db', env: n % 10 ? 'prod' : 'test', rack: `r${n % 500}` },
        facts: {
          os: { id: n % 4 ? 'debian' : 'alpine', version: `${n % 13}` },
          cpu: { count: (n % 64) + 1 },
          disks: [{ mount: '/' }, { mount: `/data/${n % 200}` }],
          addresses: [`10.0.${Math.floor(n / 256)}.${n % 256}`, `fd00::${n.toString(16)}`],
        },
      }))
      await store(many)
      await pool.query('analyze mote.host')
    })
    const planOf = async (text: string) => {
      const parameters: unknown[] = []
      const condition = selectorToSql(parseSelector(text), parameters)
      const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `explain (analyze, format json) select h.id from mote.host h where h.state <> 'revoked' and ${condition}`,
        parameters,
      )
      return rows[0]?.['QUERY PLAN'][0].Plan as Plan
    }
    type Plan = { 'Node Type': string; 'Index Name'?: string; 'Actual Rows': number; Plans?: Plan[] }
    const indexesOf = (plan: Plan): string[] => [
      ...(plan['Index Name'] === undefined ? [] : [plan['Index Name']]),
      ...(plan.Plans ?? []).flatMap(indexesOf),
    ]

    test.each([
      ['web-77', 1, ['host_name_pattern']],
      ['web-77*', 56, ['host_name_pattern']],
      ['rack=r7', 20, ['host_labels']],
      ['rack in (r7, r8, r9)', 60, ['host_labels']],
      ['fact:addresses=10.0.3.7', 1, ['host_facts']],
      ['fact:disks.mount=/data/7', 50, ['host_facts']],
      ['fact:addresses in (10.0.3.7, 10.0.3.8) and role=web', 1, ['host_facts']],
      ['rack=r7 or fact:addresses=10.0.3.7', 21, ['host_facts', 'host_labels']],
    ])('%s gives %i rows by the index %j', async (text, rows, indexes) => {
      const plan = await planOf(text)
      expect(plan['Actual Rows']).toBe(rows)
      expect(indexesOf(plan).toSorted()).toEqual(indexes)
    })

    test.each([
      ['role=web and not env=test and web-[1-9000] and fact:os=debian', 4500],
      ['fact:cpu.count in ([60-64])', 780],
      ['fact:cpu.count!=1', 9843],
      ['fact:os.version=1?', 2307],
      ['fact:disks.length=2 and fact:disks.1.mount=/data/7', 50],
      ['web-[1-90]', 45],
      ['*', 10_000],
    ])('%s reads what it must and gives %i rows', async (text, rows) => {
      expect((await picked(parseSelector(text))).length).toBe(rows)
    })
  })
})

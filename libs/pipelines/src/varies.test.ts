import { describe, expect, test } from '@jest/globals'
import { describeOperation, disagreements, foldResults, operation, Type } from './index.ts'

const varies = { at: 'any', name: 'host', 'disks.used': { tolerance: 0.1, absolute: 2 } } as const
const look = (at: number | undefined, used: number, name = 'a') => ({
  ...(at === undefined ? {} : { at }),
  name,
  disks: [{ mount: '/', used }],
})

describe('two looks at one host', () => {
  test('agree when what is stable is equal and what is volatile is near', () => {
    expect(disagreements(look(1, 100), look(2, 110), varies)).toEqual([])
    expect(disagreements(look(1, 0), look(undefined, 2), varies)).toEqual([])
    expect(disagreements({ a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 })).toEqual([])
  })

  test('disagreements are named by where they are', () => {
    expect(disagreements(look(1, 100), look(2, 120, 'b'), varies)).toEqual([
      { path: '/name', a: 'a', b: 'b' },
      { path: '/disks/0/used', a: 100, b: 120 },
    ])
    expect(disagreements({ list: [1] }, { list: [1, 2] })).toEqual([{ path: '/list', a: [1], b: [1, 2] }])
    expect(disagreements({ a: 1 }, {})).toEqual([{ path: '/a', a: 1, b: undefined }])
    expect(disagreements([{ a: 1 }], [{ a: 2 }], ['a'])).toEqual([])
  })

  test('a whole value that varies is not compared, and is still folded by what it says', () => {
    expect(disagreements([1], [2, 3], { '': 'any' })).toEqual([])
    const results = [1, 2].map(n => ({ ok: true as const, ms: 1, value: [n], host: { id: `h${n}`, name: `h${n}` } }))
    expect(foldResults(results, { varies: { '': 'any' } })).toHaveLength(2)
    expect(foldResults(results.map(one => ({ ...one, value: { a: one.value } })), { varies: { a: 'host' } })).toHaveLength(1) // prettier-ignore
  })
})

test('an operation tells both forms as one, and whether it can say what it would do', () => {
  const spec = { name: 'x', doc: 'X.', output: Type.Object({}), native: true } as const
  const dry = Type.Object({ dry: Type.Optional(Type.Boolean()) })
  const listed = operation({ ...spec, input: Type.Object({}), varies: ['a'] })
  expect(describeOperation(listed)).toMatchObject({ varies: { a: 'any' }, dry: false })
  expect(describeOperation(operation({ ...spec, input: dry, varies, dry: true }))).toMatchObject({ varies, dry: true })
  expect(() => operation({ ...spec, input: Type.Object({}), dry: true })).toThrow('needs an input `dry`')
})

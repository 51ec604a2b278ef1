import { expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { checkField } from './check-field.ts'

const output = Type.Object({
  total: Type.Integer(),
  mounts: Type.Array(Type.Object({ path: Type.String(), used: Type.Union([Type.Number(), Type.Null()]) })),
  labels: Type.Record(Type.String(), Type.String()),
  more: Type.Optional(Type.Unknown()),
  state: Type.Union([
    Type.Object({ on: Type.Literal(true), since: Type.Number() }),
    Type.Object({ on: Type.Literal(false) }),
  ]),
})
const check =
  (path: string, of: object = output) =>
  () =>
    checkField({ name: 'disk', output: of }, path)

test.each([
  '.',
  'value',
  'total',
  'value.total',
  'mounts',
  'mounts.used',
  'labels.anything',
  'more.or.less',
  'state.on',
  'state.since',
])('%s may be there', path => {
  expect(check(path)).not.toThrow()
})

test.each([
  ['elsewhere', 'disk gives no field elsewhere. It has total, mounts.*, labels, more, state.*'],
  ['mounts.usd', 'disk gives no field mounts.usd; did you mean mounts.used? It has mounts.path, mounts.used'],
  ['total.sum', 'disk gives no field total.sum'],
  ['state.until', 'disk gives no field state.until'],
])('%s is nowhere: the fields that there are are named', (path, words) => {
  expect(check(path)).toThrow(words)
})

test('a list is looked into, a plain value has no fields, and an open one may have any', () => {
  expect(check('pid', Type.Array(Type.Object({ pid: Type.Integer() })))).not.toThrow()
  expect(check('pid', Type.String())).toThrow('disk gives no fields, so not pid; `.` is its value')
  expect(check('pid', Type.Unknown())).not.toThrow()
})

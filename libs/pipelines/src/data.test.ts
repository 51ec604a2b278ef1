import { describe, expect, test } from '@jest/globals'
import { StepData } from '@re-ops/protocols'
import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import {
  decodeStep,
  encodeStep,
  map,
  nearest,
  NotDataError,
  operation,
  pipeline,
  recover,
  retry,
  Type,
} from './index.ts'
import { nodeOf } from './step.ts'
import { anyPipeline, operations, reading, writing } from './testing.ts'

const strict = operation({
  name: 'strict',
  doc: 'Has a schema.',
  input: Type.Object({ top: Type.Integer({ minimum: 1 }) }, { additionalProperties: false }),
  output: Type.Null(),
  shell: { command: () => ['true'], parse: () => null },
})
const catalogue = [...operations, strict]
const schema = Compile(StepData)

describe('steps as data', () => {
  test('a step that was encoded, sent and decoded is the same step', () => {
    fc.assert(
      fc.property(anyPipeline, step => {
        const data = encodeStep(step)
        expect(schema.Check(data)).toBe(true)
        const decoded = decodeStep(JSON.parse(JSON.stringify(data)), catalogue)
        expect(decoded.ok && encodeStep(decoded.step)).toEqual(data)
      }),
      { numRuns: 500 },
    )
  })

  test('a callback does not travel, and is named', () => {
    const named = (step: Parameters<typeof encodeStep>[0]) => () => encodeStep(step)
    expect(
      named(
        pipeline(
          reading(),
          map(r => r.value),
        ),
      ),
    ).toThrow(NotDataError)
    expect(
      named(
        pipeline(
          reading(),
          map(r => r.value),
        ),
      ),
    ).toThrow('map at /steps/1 takes a callback, which is not data')
    expect(named(reading.with(v => v))).toThrow('reading.with takes a callback, which is not data: "v => v"')
    expect(named(reading({ a: [1n] }))).toThrow('input of reading: /a/0 is a bigint, which is not JSON')
    expect(named(retry(reading({ at: new Date(0) })))).toThrow(
      'input of reading at /step: /at is a Date, which is not JSON',
    )
    expect(named(reading({ n: Number.NaN }))).toThrow('/n is NaN')
  })

  test('hostile JSON never throws; what is accepted fits the schema', () => {
    const kinds = fc.constantFrom(
      'call',
      'sequence',
      'recover',
      'retry',
      'gather',
      'via',
      '__proto__',
      'constructor',
      7,
      null,
    )
    const hostile = fc.letrec<{ node: unknown }>(tie => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue(),
        fc.record(
          {
            kind: kinds,
            operation: fc.oneof(fc.constantFrom('reading', 'writing', 'strict', 'toString'), fc.jsonValue()),
            input: fc.jsonValue(),
            steps: fc.oneof(fc.array(tie('node'), { maxLength: 3 }), fc.jsonValue()),
            step: tie('node'),
            fallback: tie('node'),
            times: fc.oneof(fc.integer({ min: -1, max: 12 }), fc.jsonValue()),
            on: fc.oneof(fc.array(fc.constantFrom('lost', 'exit', 'skipped')), fc.jsonValue()),
          },
          { requiredKeys: ['kind'] },
        ),
      ),
    })).node
    fc.assert(
      fc.property(hostile, json => {
        const decoded = decodeStep(json, catalogue)
        if (decoded.ok) expect(schema.Check(json)).toBe(true)
        else expect(decoded.errors.length).toBeGreaterThan(0)
      }),
      { numRuns: 2000 },
    )
  })

  test.each<[string, unknown, string, string, string]>([
    ['not an object', 'uptime', 'bad-pipeline', '', 'must be a step such as'],
    [
      'a kind there is not',
      { kind: 'call', steps: [] },
      'bad-pipeline',
      '/steps',
      'unknown field; allowed are kind, operation, module, input, with, timeoutMs',
    ],
    [
      'an unknown kind',
      { kind: 'mapp' },
      'bad-pipeline',
      '/kind',
      'must be one of call, sequence, recover, retry, gather, via, map, pick, tap',
    ],
    [
      'a callback without its module',
      { kind: 'map', at: 'a/steps/1' },
      'bad-pipeline',
      '/module',
      'the hash of a module',
    ],
    [
      'a callback of a module that is not here',
      { kind: 'pick', module: 'f'.repeat(64), at: 'a/steps/1' },
      'unknown-module',
      '/module',
      'no live modules here',
    ],
    ['a near miss', { kind: 'call', operation: 'raeding' }, 'unknown-operation', '/operation', 'did you mean reading?'],
    [
      'an unknown operation',
      { kind: 'call', operation: 'zzzzzzzzzz' },
      'unknown-operation',
      '/operation',
      'allowed are reading, writing, strict',
    ],
    [
      'input',
      { kind: 'sequence', steps: [{ kind: 'call', operation: 'strict', input: { top: 'x' } }] },
      'bad-input',
      '/steps/0/input/top',
      'must be integer',
    ],
    [
      'a field too many',
      { kind: 'call', operation: 'strict', input: { top: 1, tpo: 2 } },
      'bad-input',
      '/input/tpo',
      'unknown field; allowed are top',
    ],
    ['no steps', { kind: 'sequence', steps: [] }, 'bad-pipeline', '/steps', '1 to 64 steps'],
    ['a limit', { kind: 'call', operation: 'reading', timeoutMs: 0 }, 'bad-pipeline', '/timeoutMs', '1 to 86400000'],
    ['times', { kind: 'retry', step: { kind: 'gather' }, times: 11 }, 'bad-pipeline', '/times', '1 to 10'],
    [
      'repeating what may have happened',
      { kind: 'retry', step: { kind: 'call', operation: 'writing' }, times: 1, on: ['lost'] },
      'bad-pipeline',
      '/on',
      'writing is neither',
    ],
  ])('refused: %s', (_, json, kind, path, message) => {
    expect(decodeStep(json, catalogue)).toEqual({
      ok: false,
      kind,
      errors: [{ path, message: expect.stringContaining(message) }],
    })
  })

  test('reading operations may be repeated after lost and timeout', () => {
    const data = encodeStep(recover(retry(reading(), { on: ['lost', 'timeout'] }), writing()))
    expect(decodeStep(data, catalogue)).toMatchObject({ ok: true })
  })

  test('nesting and the number of calls have limits', () => {
    let deep: unknown = { kind: 'gather' }
    for (let n = 0; n < 100_000; n += 1) deep = { kind: 'sequence', steps: [deep] }
    expect(decodeStep(deep, catalogue)).toMatchObject({
      kind: 'bad-pipeline',
      errors: [{ message: 'is nested deeper than 16 steps' }],
    })
    let many: unknown = { kind: 'call', operation: 'writing' }
    for (let n = 0; n < 10; n += 1) many = { kind: 'retry', step: many, times: 10 }
    expect(decodeStep(many, catalogue)).toMatchObject({
      errors: [{ message: expect.stringContaining('allowed are 10000') }],
    })
    expect(nodeOf(reading())).toMatchObject({ kind: 'call' })
  })
})

test('nearest suggests what was probably meant, or nothing', () => {
  const names = ['disk', 'memory', 'process.list', 'ping']
  expect(nearest('dsik', names)).toBe('disk')
  expect(nearest('proc', names)).toBe('process.list')
  expect(nearest('memroy', names)).toBe('memory')
  expect(nearest('frobnicate', names)).toBeNull()
  expect(nearest('', names)).toBeNull()
})

import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { begin, decodeStep, operation, resume, Type, type DecodedStep } from './index.ts'
import { nodeOf } from './step.ts'
import { operations } from './testing.ts'

const shell = { command: () => ['true'], parse: () => null }
const changing = operation({
  name: 'changing',
  doc: 'Changes.',
  input: Type.Object({ path: Type.Optional(Type.String()), dry: Type.Optional(Type.Boolean()) }),
  output: Type.Unknown(),
  dry: true,
  shell,
})
const catalogue = [...operations, changing]
const call = (name: string, more: object = {}) => ({ kind: 'call', operation: name, ...more })
const dry = (pipeline: unknown) => decodeStep(pipeline, catalogue, undefined, { dry: true })
const stepOf = (decoded: DecodedStep) => {
  if (!decoded.ok) throw new Error(decoded.kind)
  return decoded.step
}

describe('a dry run', () => {
  test('asks who can say what it would do, lets readers read, and refuses the others where they stand', () => {
    const reads = begin(stepOf(dry(call('reading', { input: { a: 1 } }))))
    expect(reads).toMatchObject({ kind: 'call', operation: 'reading', input: { a: 1 } })
    const says = begin(stepOf(dry(call('changing', { input: { path: '/a', dry: false }, timeoutMs: 5 }))))
    expect(says).toMatchObject({ kind: 'call', operation: 'changing', input: { path: '/a', dry: true }, timeoutMs: 5 })
    const step = stepOf(dry({ kind: 'sequence', steps: [call('reading'), call('writing'), call('reading')] }))
    const first = begin(step)
    if (first.kind !== 'call') throw new Error(first.kind)
    const message = 'dry run: writing cannot say what it would do, so it was not asked'
    expect(resume(step, first.cursor, { ok: true, value: 1 })).toMatchObject({
      kind: 'done',
      result: { ok: false, failure: { kind: 'rejected', message, step: '2:writing', started: 'no' } },
    })
  })

  test('asks operations of live modules likewise', () => {
    const module = 'a'.repeat(64)
    const live = { name: 'my.change', repeat: 'once' as const, checkInput: () => [] }
    const decoded = (of: object) =>
      begin(stepOf(decodeStep(call('my.change', { module }), [], () => [{ ...live, ...of }], { dry: true })))
    expect(decoded({ dry: true })).toMatchObject({ kind: 'call', module, input: { dry: true } })
    expect(decoded({})).toMatchObject({ kind: 'done', result: { failure: { kind: 'rejected' } } })
  })

  test('makes no call that could change anything, however the pipeline is built', () => {
    const { step: anyPipeline } = fc.letrec<{ step: object; leaf: object }>(tie => ({
      leaf: fc.constantFrom(call('reading'), call('writing'), call('changing', { input: {} }), { kind: 'gather' }),
      step: fc.oneof(
        { maxDepth: 3 },
        tie('leaf'),
        fc.record({ kind: fc.constant('sequence'), steps: fc.array(tie('step'), { minLength: 1, maxLength: 3 }) }),
        fc.record({ kind: fc.constant('recover'), step: tie('step'), fallback: tie('step') }),
        fc.record({ kind: fc.constant('retry'), step: tie('step'), times: fc.integer({ min: 1, max: 2 }) }),
        fc.record({ kind: fc.constant('via'), transport: fc.constantFrom('zmq', 'ssh'), step: tie('step') }),
      ),
    }))
    const harmless = (node: unknown): boolean => {
      const { kind, operation: name, input, ...inner } = node as Record<string, unknown>
      if (kind === 'call')
        return name === 'reading' || (name === 'changing' && (input as { dry?: boolean }).dry === true)
      return Object.values(inner)
        .flat()
        .every(one => typeof one !== 'object' || harmless(one))
    }
    fc.assert(fc.property(anyPipeline, pipeline => expect(harmless(nodeOf(stepOf(dry(pipeline))))).toBe(true)))
  })
})

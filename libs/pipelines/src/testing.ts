import type { CallResult, FailureKind, HostRef } from '@re-ops/protocols'
import fc from 'fast-check'
import { operation, Type } from './index.ts'
import type { Node } from './step.ts'

/** What the tests of this library share: operations that mean nothing, hosts, and pipelines of any form. */
const Anything = Type.Unknown()
const shell = { command: () => ['true'], parse: () => null }
export const reading = operation({
  name: 'reading',
  doc: 'Reads.',
  input: Anything,
  output: Anything,
  reads: true,
  shell,
})
export const writing = operation({ name: 'writing', doc: 'Writes.', input: Anything, output: Anything, shell })
export const operations = [reading, writing]

export const hostsOf = (count: number): HostRef[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `0193f2a4-8f00-7000-8000-${String(n).padStart(12, '0')}`,
    name: `h${n}`,
  }))

export const failure = (kind: FailureKind, message: string = kind): CallResult => ({
  ok: false,
  failure: { kind, message, step: 'as the agent said', stderrTail: 'tail', code: 3 },
})

const on = fc.option(fc.uniqueArray(fc.constantFrom('unreachable', 'exit', 'invalid', 'rejected'), { minLength: 1 }), {
  nil: undefined,
})
const withOn = <T extends object>(of: T, kinds: string[] | undefined) => (kinds ? { ...of, on: kinds } : of)

/** Any composition of steps that travels: as a node, which is the same as its data. */
export const anyPipeline: fc.Arbitrary<Node> = fc.letrec<{ node: Node }>(tie => ({
  node: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'node' },
    fc.constantFrom<Node>(
      { kind: 'call', operation: 'reading', input: { n: 1 } },
      { kind: 'call', operation: 'writing', input: { n: 2 } },
    ),
    fc.constant<Node>({ kind: 'gather' }),
    fc
      .record({ transport: fc.constantFrom('zmq' as const, 'ssh' as const), step: tie('node') })
      .map(({ transport, step }): Node => ({ kind: 'via', transport, step })),
    fc.array(tie('node'), { minLength: 1, maxLength: 3 }).map((steps): Node => ({ kind: 'sequence', steps })),
    fc
      .record({ step: tie('node'), fallback: tie('node'), on })
      .map(({ step, fallback, on }): Node => withOn({ kind: 'recover', step, fallback }, on)),
    fc
      .record({ step: tie('node'), times: fc.integer({ min: 1, max: 2 }), on })
      .map(({ step, times, on }): Node => withOn({ kind: 'retry', step, times }, on)),
  ),
})).node

/** The answers of one host, one call after another; when they run out the last is given again. */
export const anyAnswers: fc.Arbitrary<CallResult[]> = fc.array(
  fc.oneof(
    fc.integer().map((value): CallResult => ({ ok: true, value })),
    fc
      .constantFrom<FailureKind>('exit', 'invalid', 'timeout', 'cancelled', 'rejected', 'unreachable', 'lost')
      .map(kind => failure(kind, `because ${kind}`)),
  ),
  { minLength: 1, maxLength: 6 },
)

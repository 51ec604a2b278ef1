import { describe, expect, test } from '@jest/globals'
import type { CallResult } from '@re-ops/protocols'
import fc from 'fast-check'
import {
  begin,
  callAt,
  decodeStep,
  encodeStep,
  map,
  pick,
  pipeline,
  recover,
  release,
  resume,
  retry,
  tap,
  via,
  within,
  type Progress,
} from './index.ts'
import { nodeOf, type Node } from './step.ts'
import { anyAnswers, anyPipeline, failure, reading, writing } from './testing.ts'

const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

/** One host driven alone: every call gets the next answer; `between` stands for a store that keeps the cursor. */
const drive = (step: Node, answers: readonly CallResult[], between = <T>(value: T): T => value) => {
  const calls: string[] = []
  let progress: Progress = begin(between(step))
  while (progress.kind !== 'done') {
    const cursor = between(progress.cursor)
    if (progress.kind === 'gather') progress = release(between(step), cursor, between(progress.value))
    else {
      const answer = answers[Math.min(calls.length, answers.length - 1)] as CallResult
      calls.push(progress.step)
      progress = resume(between(step), cursor, between(answer))
    }
  }
  return { result: progress.result, calls }
}

const ok = (value: unknown): CallResult => ({ ok: true, value })
const unreachable = failure('unreachable')

describe('the core of one host', () => {
  test('the cursor survives being JSON at every point: a durable driver ends as the in-memory one does', () => {
    fc.assert(
      fc.property(anyPipeline, anyAnswers, (step, answers) => {
        expect(drive(step, answers, copy)).toEqual(copy(drive(step, answers)))
      }),
      { numRuns: 2000 },
    )
  })

  test('a failure keeps its kind, message and reason, and is the last answer given', () => {
    fc.assert(
      fc.property(anyPipeline, anyAnswers, (step, answers) => {
        const { result, calls } = drive(step, answers)
        if (result.ok) return
        const last = answers[Math.min(calls.length - 1, answers.length - 1)]
        expect(last).toMatchObject({ ok: false })
        expect(result).toEqual({ ok: false, failure: { ...(last as typeof result).failure, step: calls.at(-1) } })
      }),
      { numRuns: 2000 },
    )
  })

  test('a failure ends a sequence: no later call is made', () => {
    const { result, calls } = drive(nodeOf(pipeline(reading(), writing(), reading())), [
      ok(1),
      failure('exit', 'no such file'),
    ])
    expect(calls).toEqual(['1:reading', '2:writing'])
    expect(result).toEqual({
      ok: false,
      failure: { kind: 'exit', message: 'no such file', step: '2:writing', stderrTail: 'tail', code: 3 },
    })
  })

  test('via names the way of the calls within, the innermost counts, and the others keep theirs', () => {
    const step = pipeline(recover(reading(), via('ssh', pipeline(reading(), via('zmq', reading())))), reading())
    const ways: unknown[] = []
    let at: Progress = begin(step)
    for (const answer of [unreachable, ok(1), ok(2), ok(3)]) {
      if (at.kind !== 'call') throw new Error(at.kind)
      ways.push(at.via)
      expect(callAt(step, at.cursor)).toEqual(at)
      at = resume(step, at.cursor, answer)
    }
    expect(ways).toEqual([undefined, 'ssh', 'zmq', undefined])
    expect(at).toEqual({ kind: 'done', result: ok(3) })
    expect(() => via('telnet' as never, reading())).toThrow('allowed are zmq, ssh')
  })

  test('recover gives the fallback the same input, and only for the kinds in `on`', () => {
    const echo = writing.with((value: unknown) => ({ had: value }))
    const step = pipeline(reading(), recover(echo, echo), echo)
    const progress = begin(step)
    const inputs: unknown[] = []
    let at = progress
    for (const answer of [ok('first'), unreachable, ok('fallback'), ok('end')]) {
      if (at.kind !== 'call') throw new Error(at.kind)
      inputs.push(at.input)
      at = resume(step, at.cursor, answer)
    }
    expect(inputs).toEqual([{}, { had: 'first' }, { had: 'first' }, { had: 'fallback' }])
    expect(at).toEqual({ kind: 'done', result: ok('end') })
    expect(drive(nodeOf(step), [ok(1), failure('exit')]).result).toMatchObject({ ok: false })
  })

  test('retry tries at most `times` more, then the last failure stands', () => {
    expect(drive(nodeOf(retry(writing(), { times: 2 })), [unreachable]).calls).toHaveLength(3)
    expect(drive(nodeOf(retry(writing(), { times: 2 })), [unreachable, ok(5)])).toEqual({
      result: ok(5),
      calls: ['writing', 'writing'],
    })
    expect(drive(nodeOf(retry(reading(), { on: ['lost'] })), [failure('lost'), ok(1)]).calls).toHaveLength(2)
    expect(drive(nodeOf(retry(reading())), [failure('lost'), ok(1)]).calls).toHaveLength(1)
  })

  test('map, pick and tap act on the ok result, with its host', () => {
    const seen: string[] = []
    const at = { host: { id: 'x', name: 'web-1' }, ms: 5 }
    const step = pipeline(
      reading(),
      map(r => `${r.host.name} ${String(r.value)}`),
      tap(r => void seen.push(r.value)),
      pick(r => r.value.endsWith('1')),
    )
    const first = begin(step, undefined, at)
    if (first.kind !== 'call') throw new Error(first.kind)
    expect(resume(step, first.cursor, ok(1), at)).toEqual({ kind: 'done', result: ok('web-1 1') })
    expect(resume(step, first.cursor, ok(2), at)).toEqual({
      kind: 'done',
      result: { ok: false, failure: { kind: 'skipped', message: 'not picked', step: '4:pick' } },
    })
    expect(seen).toEqual(['web-1 1', 'web-1 2'])
  })

  test('callbacks that are named do the same where modules run, also for a driver that keeps only the cursor', () => {
    const module = 'a'.repeat(64)
    const tapped: unknown[] = []
    const step = pipeline(
      retry(reading(), { times: 1 }),
      pick(r => r.value !== 0),
      writing.with(value => ({ of: value })),
      tap(r => void tapped.push(r.value)),
      map(r => [r.value, 'mapped']),
    )
    const data = encodeStep(step, at => ({ module, at: `slow${at}` }))
    const known = [reading, writing].map(({ name, repeat, checkInput }) => ({ name, repeat, checkInput }))
    const decoded = decodeStep(data, [reading, writing], hash => (hash === module ? known : 'not here'))
    if (!decoded.ok) throw new Error(JSON.stringify(decoded))
    const original = nodeOf(step) as {
      steps: readonly { f?: (so: unknown) => unknown; inputFrom?: (v: unknown) => unknown }[]
    }
    /** What the process of the module does. */
    const code = (at: string, so: { value: unknown }): unknown => {
      const { f, inputFrom } = original.steps[Number(/^slow\/steps\/(\d)$/.exec(at)?.[1])] ?? {}
      return inputFrom ? inputFrom(so.value) : f?.({ ...so, ok: true })
    }
    const driveNamed = (answers: readonly CallResult[]) => {
      const inputs: unknown[] = []
      let progress: Progress = begin(decoded.step)
      while (progress.kind === 'call') {
        const call = callAt(decoded.step, copy(progress.cursor))
        expect(call).toEqual(copy(progress))
        if (call.code === undefined) inputs.push(call.input)
        const answer =
          call.code === undefined
            ? answers[Math.min(inputs.length, answers.length) - 1]
            : ok(code(call.code, call.input as never))
        progress = resume(decoded.step, copy(call.cursor), copy(answer as CallResult))
      }
      return { progress, inputs }
    }
    fc.assert(
      fc.property(anyAnswers, answers => {
        const { progress, inputs } = driveNamed(answers)
        expect(progress).toEqual({ kind: 'done', result: copy(drive(nodeOf(step), answers).result) })
        if (inputs.length > 1 && progress.kind === 'done' && progress.result.ok)
          expect(inputs.at(-1)).toEqual({ of: expect.anything() })
      }),
      { numRuns: 500 },
    )
  })

  test('a callback that throws costs its host an `invalid` that says what it threw', () => {
    const thrower = map(() => {
      throw new Error('boom')
    })
    expect(drive(nodeOf(pipeline(reading(), thrower)), [ok(1)]).result).toEqual({
      ok: false,
      failure: { kind: 'invalid', message: 'map threw: boom', step: '2:map' },
    })
  })

  test('within limits the calls that have no limit of their own', () => {
    const step = within(5000, pipeline(within(100, reading()), writing()))
    const first = begin(step)
    expect(first).toMatchObject({ kind: 'call', timeoutMs: 100 })
    if (first.kind === 'call')
      expect(resume(step, first.cursor, ok(1))).toMatchObject({ kind: 'call', timeoutMs: 5000 })
  })

  test('a cursor of another pipeline is a bug and throws', () => {
    const first = begin(pipeline(reading(), writing()))
    if (first.kind !== 'call') throw new Error(first.kind)
    expect(() => resume(retry(reading()), first.cursor, ok(1))).toThrow('does not belong to this pipeline')
    expect(() => release(pipeline(reading(), writing()), first.cursor, 1)).toThrow('not at a gather')
  })
})

import type { CallResult, Failure, Ok, TransportName } from '@re-ops/protocols'
import { defaultOn, nodeOf, type AnyStep, type At, type CallbackNode, type CallNode, type Node } from './step.ts'

/**
 * Where one host is in a pipeline. Plain JSON as long as the values are: a driver may store it after each call and go on
 * in another process. One frame per enclosing step, the outermost first; `input` is kept where a step may begin again.
 */
export type Frame =
  | { readonly k: 'sequence'; readonly at: number }
  | { readonly k: 'recover'; readonly at: 'step' | 'fallback'; readonly input?: unknown }
  | { readonly k: 'retry'; readonly left: number; readonly input?: unknown }
  | { readonly k: 'via'; readonly transport: TransportName }
  /** A named callback is asked about this value. */
  | { readonly k: 'code'; readonly input: unknown }
  /** The input of a call, once its callback has made it. */
  | { readonly k: 'with'; readonly input: unknown }
export type Cursor = { readonly v: 1; readonly frames: readonly Frame[] }

/**
 * What a host needs next. `call`: do it, then `resume`. `gather`: wait for the others, then `release`. `done`: its one result.
 * `step` names the call in failures and progress: `disk`, or `2:disk` for the second step of a pipeline.
 */
export type Progress =
  | {
      readonly kind: 'call'
      readonly operation: string
      /** Of a live module: its hash, and whether the operation only reads. */
      readonly module?: string
      readonly reads?: boolean
      readonly input: unknown
      readonly step: string
      readonly timeoutMs?: number
      /** How to go to the host; absent: as the host is reached. */
      readonly via?: TransportName
      /** Where the callback is in its module: asked where modules run, not of the host. */
      readonly code?: string
      readonly cursor: Cursor
    }
  | { readonly kind: 'gather'; readonly cursor: Cursor; readonly step: string; readonly value: unknown }
  | { readonly kind: 'done'; readonly result: CallResult }

const nowhere: At = { host: { id: '00000000-0000-0000-0000-000000000000', name: '' }, ms: 0 }

/** The first thing a host does. `at` is what callbacks are told; a pipeline without callbacks needs none. Before any step the value is null. */
export const begin = (step: AnyStep | Node, input: unknown = null, at: At = nowhere): Progress =>
  walk(nodeOf(step), [], { enter: nodeOf(step), input }, at)

/** The call at `cursor`, as `begin` or `resume` told it: how a driver that kept only the cursor knows what it was about. */
export const callAt = (
  step: AnyStep | Node,
  cursor: Cursor,
  at: At = nowhere,
): Progress & { readonly kind: 'call' } => {
  const node = nodeAt(nodeOf(step), cursor.frames)
  const top = cursor.frames.at(-1)
  if (top?.k === 'code') return codeCall(node, top.input, cursor.frames, at)
  if (node.kind !== 'call' || node.inputFrom) throw new Error('callAt: no call with an input of its own stands there')
  return callOf(node, top?.k === 'with' ? top.input : (node.input ?? {}), cursor.frames)
}

/** What follows the answer to the call at `cursor`. A failure keeps all it says; `step` becomes the label of the call. */
export const resume = (step: AnyStep | Node, cursor: Cursor, result: CallResult, at: At = nowhere): Progress => {
  const root = nodeOf(step)
  const node = nodeAt(root, cursor.frames)
  const frames = [...cursor.frames]
  const top = frames.at(-1)
  if (top?.k === 'code') {
    frames.pop()
    return walk(root, frames, answered(node, top.input, result, frames), at)
  }
  if (node.kind !== 'call') throw new Error(`resume: the cursor stands at ${node.kind}, not at a call`)
  if (top?.k === 'with') frames.pop()
  const named: CallResult = result.ok
    ? result
    : { ok: false, failure: { ...result.failure, step: label(node.operation, frames) } }
  return walk(root, frames, { leave: named }, at)
}

/** What follows the barrier at `cursor`: the host goes on with `value`, its own. */
export const release = (step: AnyStep | Node, cursor: Cursor, value: unknown, at: At = nowhere): Progress => {
  const root = nodeOf(step)
  const node = nodeAt(root, cursor.frames)
  if (node.kind !== 'gather') throw new Error(`release: the cursor stands at ${node.kind}, not at a gather`)
  return walk(root, [...cursor.frames], { leave: { ok: true, value } }, at)
}

type Move =
  | { readonly enter: Node; readonly input: unknown }
  | { readonly leave: CallResult }
  /** A call whose input has been made. */
  | { readonly call: CallNode; readonly input: unknown }

/** Goes on until the host needs the world (a call, a barrier) or has its result. `frames` is the walk's own. */
const walk = (root: Node, frames: Frame[], first: Move, at: At): Progress => {
  let move = first
  for (;;) {
    if ('leave' in move) {
      const frame = frames.pop()
      if (!frame) return { kind: 'done', result: move.leave }
      move = leave(nodeAt(root, frames), frame, move.leave, frames)
      continue
    }
    if ('call' in move) {
      frames.push({ k: 'with', input: move.input })
      return callOf(move.call, move.input, [...frames])
    }
    const { enter: node, input } = move
    switch (node.kind) {
      case 'named':
        frames.push({ k: 'code', input })
        return codeCall(node, input, [...frames], at)
      case 'call': {
        if (node.with) {
          frames.push({ k: 'code', input })
          return codeCall(node, input, [...frames], at)
        }
        const made = inputOf(node, input, frames)
        if (!made.ok) {
          move = { leave: made }
          break
        }
        return callOf(node, made.value, [...frames])
      }
      case 'gather':
        return { kind: 'gather', cursor: { v: 1, frames: [...frames] }, step: label('gather', frames), value: input }
      case 'refused':
        move = {
          leave: failed({ kind: 'rejected', message: node.why, step: label(node.operation, frames), started: 'no' }),
        }
        break
      case 'sequence':
        move = enterSequence(node, input, frames)
        break
      case 'recover':
        frames.push({ k: 'recover', at: 'step', input })
        move = { enter: node.step, input }
        break
      case 'retry':
        frames.push({ k: 'retry', left: node.times, input })
        move = { enter: node.step, input }
        break
      case 'via':
        frames.push({ k: 'via', transport: node.transport })
        move = { enter: node.step, input }
        break
      default:
        move = { leave: applied(node, { ...at, ok: true, value: input }, frames) }
    }
  }
}

/** A question to the code of a callback. It reads, so it may be asked again. */
const codeCall = (
  node: Node,
  value: unknown,
  frames: readonly Frame[],
  at: At,
): Progress & { readonly kind: 'call' } => {
  const code = node.kind === 'call' ? node.with : node.kind === 'named' ? node : undefined
  if (!code) throw new Error(`the cursor stands at ${node.kind}, which has no callback that is named`)
  const operation = node.kind === 'named' ? node.of : 'with'
  const input = { host: at.host, ms: at.ms, value }
  const cursor = { v: 1, frames } as const
  return {
    kind: 'call',
    operation,
    module: code.module,
    reads: true,
    code: code.at,
    input,
    step: label(operation, frames),
    cursor,
  }
}

/** What follows what a callback answered. One that failed costs its host an `invalid`, as one that throws in this process. */
const answered = (node: Node, value: unknown, result: CallResult, frames: readonly Frame[]): Move => {
  const operation = node.kind === 'named' ? node.of : 'with'
  const step = label(operation, frames)
  if (!result.ok) return { leave: failed({ ...result.failure, step }) }
  if (node.kind === 'call') return { call: node, input: result.value }
  if (operation === 'map') return { leave: { ok: true, value: result.value } }
  if (operation === 'pick' && result.value !== true)
    return { leave: failed({ kind: 'skipped', message: 'not picked', step }) }
  return { leave: { ok: true, value } }
}

const callOf = (
  node: Node & { kind: 'call' },
  input: unknown,
  frames: readonly Frame[],
): Progress & { readonly kind: 'call' } => ({
  kind: 'call',
  operation: node.operation,
  ...(node.module === undefined ? {} : { module: node.module, reads: node.reads === true }),
  input,
  step: label(node.operation, frames),
  ...(node.timeoutMs === undefined ? {} : { timeoutMs: node.timeoutMs }),
  ...viaOf(frames),
  cursor: { v: 1, frames },
})

/** The innermost `via` says how. */
const viaOf = (frames: readonly Frame[]): { via?: TransportName } => {
  const frame = frames.findLast(one => one.k === 'via')
  return frame ? { via: frame.transport } : {}
}

const enterSequence = (node: Node & { kind: 'sequence' }, input: unknown, frames: Frame[]): Move => {
  const first = node.steps[0]
  if (!first) return { leave: { ok: true, value: input } }
  frames.push({ k: 'sequence', at: 0 })
  return { enter: first, input }
}

/** What the step around does when the step inside has ended. */
const leave = (node: Node, frame: Frame, result: CallResult, frames: Frame[]): Move => {
  if (frame.k === 'sequence' && node.kind === 'sequence') {
    const next = node.steps[frame.at + 1]
    if (!result.ok || !next) return { leave: result }
    frames.push({ k: 'sequence', at: frame.at + 1 })
    return { enter: next, input: result.value }
  }
  if (result.ok || (node.kind !== 'recover' && node.kind !== 'retry')) return { leave: result }
  if (!(node.on ?? defaultOn).includes(result.failure.kind)) return { leave: result }
  if (frame.k === 'recover' && node.kind === 'recover' && frame.at === 'step') {
    frames.push({ k: 'recover', at: 'fallback' })
    return { enter: node.fallback, input: frame.input }
  }
  if (frame.k === 'retry' && node.kind === 'retry' && frame.left > 0) {
    frames.push({ k: 'retry', left: frame.left - 1, input: frame.input })
    return { enter: node.step, input: frame.input }
  }
  return { leave: result }
}

const failed = (failure: Failure): CallResult => ({ ok: false, failure })

const inputOf = (node: Node & { kind: 'call' }, value: unknown, frames: readonly Frame[]): CallResult => {
  if (!node.inputFrom) return { ok: true, value: node.input ?? {} }
  try {
    return { ok: true, value: node.inputFrom(value) }
  } catch (error) {
    return failed({ kind: 'invalid', message: thrown('with', error), step: label(node.operation, frames) })
  }
}

/** A callback that throws costs its host an `invalid`, never the run. */
const applied = (node: CallbackNode, so: Ok<unknown>, frames: readonly Frame[]): CallResult => {
  const step = label(node.kind, frames)
  try {
    switch (node.kind) {
      case 'map':
        return { ok: true, value: node.f(so) }
      case 'tap':
        node.f(so)
        return { ok: true, value: so.value }
      case 'pick':
        return node.f(so) ? { ok: true, value: so.value } : failed({ kind: 'skipped', message: 'not picked', step })
    }
  } catch (error) {
    return failed({ kind: 'invalid', message: thrown(node.kind, error), step })
  }
}

const thrown = (what: string, error: unknown) =>
  `${what} threw: ${error instanceof Error ? error.message : String(error)}`.slice(0, 512)

/** `2:disk` in a sequence, `2.1:disk` in a sequence within, `disk` alone. Counted from one, as people count. */
const label = (name: string, frames: readonly Frame[]): string => {
  const path = frames.flatMap(frame => (frame.k === 'sequence' ? [frame.at + 1] : []))
  return path.length === 0 ? name : `${path.join('.')}:${name}`
}

/** The step the frames lead to. A cursor of another pipeline is a bug of the driver, so it throws. */
const nodeAt = (root: Node, frames: readonly Frame[]): Node => {
  let node = root
  for (const frame of frames) {
    if (frame.k === 'code' || frame.k === 'with') return node // innermost, always
    let next: Node | undefined
    if (frame.k === 'sequence' && node.kind === 'sequence') next = node.steps[frame.at]
    if (frame.k === 'recover' && node.kind === 'recover') next = node[frame.at]
    if (frame.k === 'retry' && node.kind === 'retry') next = node.step
    if (frame.k === 'via' && node.kind === 'via') next = node.step
    if (!next) throw new Error(`the cursor does not belong to this pipeline: ${frame.k} frame at ${node.kind}`)
    node = next
  }
  return node
}

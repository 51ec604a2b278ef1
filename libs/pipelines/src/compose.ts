import type { Ok, TransportName } from '@re-ops/protocols'
import {
  doubtfulKinds,
  nodeOf,
  repeatableKinds,
  stepOf,
  type AnyStep,
  type Node,
  type Repeat,
  type RepeatKind,
  type Step,
} from './step.ts'

type R = Repeat

/**
 * Steps one after another, per host: each host goes on by itself as soon as its step is done. A step acts only on hosts
 * that are ok; the failure of another rides along untouched. `pipeline(load(), map(r => r.value.one))`
 */
export function pipeline<A, B, P extends R>(a: Step<A, B, P>): Step<A, B, P>
export function pipeline<A, B, C, P extends R, Q extends R>(a: Step<A, B, P>, b: Step<B, C, Q>): Step<A, C, P | Q>
export function pipeline<A, B, C, D, P extends R, Q extends R, S extends R>(
  a: Step<A, B, P>,
  b: Step<B, C, Q>,
  c: Step<C, D, S>,
): Step<A, D, P | Q | S>
export function pipeline<A, B, C, D, E, P extends R, Q extends R, S extends R, T extends R>(
  a: Step<A, B, P>,
  b: Step<B, C, Q>,
  c: Step<C, D, S>,
  d: Step<D, E, T>,
): Step<A, E, P | Q | S | T>
export function pipeline<A, B, C, D, E, F, P extends R, Q extends R, S extends R, T extends R, U extends R>(
  a: Step<A, B, P>,
  b: Step<B, C, Q>,
  c: Step<C, D, S>,
  d: Step<D, E, T>,
  e: Step<E, F, U>,
): Step<A, F, P | Q | S | T | U>
export function pipeline<A, B, C, D, E, F, G, P extends R>(
  a: Step<A, B, P>,
  b: Step<B, C, P>,
  c: Step<C, D, P>,
  d: Step<D, E, P>,
  e: Step<E, F, P>,
  f: Step<F, G, P>,
): Step<A, G, P>
export function pipeline<A, B, C, D, E, F, G, H, P extends R>(
  a: Step<A, B, P>,
  b: Step<B, C, P>,
  c: Step<C, D, P>,
  d: Step<D, E, P>,
  e: Step<E, F, P>,
  f: Step<F, G, P>,
  g: Step<G, H, P>,
): Step<A, H, P>
export function pipeline(...steps: readonly AnyStep[]): AnyStep {
  if (steps.length === 0) throw new TypeError('pipeline: needs at least one step')
  return stepOf({ kind: 'sequence', steps: steps.map(nodeOf) })
}

/** Another value from the result so far. `f` must be synchronous; when it throws, that host ends `invalid`. */
export const map = <A, B>(f: (result: Ok<A>) => B): Step<A, B, 'safe'> =>
  stepOf({ kind: 'map', f: result => f(result as Ok<A>) })

/** Only the hosts that `f` picks go on; the others end `skipped`. */
export const pick = <A>(f: (result: Ok<A>) => boolean): Step<A, A, 'safe'> =>
  stepOf({ kind: 'pick', f: result => f(result as Ok<A>) })

/** Looks at each ok result in passing and changes nothing (printing, counting). */
export const tap = <A>(f: (result: Ok<A>) => void): Step<A, A, 'safe'> =>
  stepOf({ kind: 'tap', f: result => f(result as Ok<A>) })

/** The one barrier: each host waits here until every other waits too or has ended, then goes on with its own value. */
export const gather = <A>(): Step<A, A, 'safe'> => stepOf({ kind: 'gather' })

/**
 * When `step` fails with a kind in `on` (default `unreachable`), `fallback` runs instead, with the same input.
 * `timeout` and `lost` may be listed only when `step` reads or is idempotent: the first try may have happened.
 */
export const recover = <A, B, C, P extends R, Q extends R>(
  step: Step<A, B, P>,
  fallback: Step<A, C, Q>,
  options: { readonly on?: readonly RepeatKind<NoInfer<P>>[] } = {},
): Step<A, B | C, P | Q> => {
  checkOn('recover', nodeOf(step), options.on)
  return stepOf({ kind: 'recover', step: nodeOf(step), fallback: nodeOf(fallback), ...options })
}

/** Does `step` again up to `times` more times (default 1, at most 10) while it fails with a kind in `on`; see recover. */
export const retry = <A, B, P extends R>(
  step: Step<A, B, P>,
  options: { readonly times?: number; readonly on?: readonly RepeatKind<NoInfer<P>>[] } = {},
): Step<A, B, P> => {
  const { times = 1, ...rest } = options
  if (!Number.isInteger(times) || times < 1 || times > 10)
    throw new TypeError(`retry: times is ${times}, allowed are 1 to 10`)
  checkOn('retry', nodeOf(step), options.on)
  return stepOf({ kind: 'retry', step: nodeOf(step), times, ...rest })
}

/**
 * The same step over one transport, whatever way its hosts are usually reached: `recover(step, via('ssh', step))` goes over SSH where the
 * agent could not be reached. A host that cannot be reached that way (no SSH settings, no agent) ends `unreachable`. The innermost counts.
 */
export const via = <A, B, P extends R>(transport: TransportName, step: Step<A, B, P>): Step<A, B, P> => {
  if (transport !== 'zmq' && transport !== 'ssh')
    throw new TypeError(`via: ${JSON.stringify(transport)} is no transport; allowed are zmq, ssh`)
  return stepOf({ kind: 'via', transport, step: nodeOf(step) })
}

/** The same step where every call that has no limit of its own may take at most `timeoutMs` on the host. */
export const within = <A, B, P extends R>(timeoutMs: number, step: Step<A, B, P>): Step<A, B, P> => {
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > 86_400_000)
    throw new TypeError(`within: ${timeoutMs} ms, allowed are 1 to 86400000 (a day)`)
  return stepOf(limited(timeoutMs, nodeOf(step)))
}

const limited = (timeoutMs: number, node: Node): Node => {
  switch (node.kind) {
    case 'call':
      return { timeoutMs, ...node }
    case 'sequence':
      return { ...node, steps: node.steps.map(one => limited(timeoutMs, one)) }
    case 'recover':
      return { ...node, step: limited(timeoutMs, node.step), fallback: limited(timeoutMs, node.fallback) }
    case 'retry':
    case 'via':
      return { ...node, step: limited(timeoutMs, node.step) }
    default:
      return node
  }
}

/** What the types say, said again at run time for callers without tsc (the prompt, JavaScript). */
const checkOn = (what: string, step: Node, on: readonly string[] | undefined) => {
  const why = on && whyNotOn(on, onlyOnce(step))
  if (why) throw new TypeError(`${what}: ${why}`)
}

/** Names of the operations in a step that must not be done twice when nobody knows whether the first try happened. */
export const onlyOnce = (node: Node, isOnce = (call: Node & { kind: 'call' }) => call.repeat === 'once'): string[] => {
  switch (node.kind) {
    case 'call':
      return isOnce(node) ? [node.operation] : []
    case 'sequence':
      return node.steps.flatMap(one => onlyOnce(one, isOnce))
    case 'recover':
      return [...onlyOnce(node.step, isOnce), ...onlyOnce(node.fallback, isOnce)]
    case 'retry':
    case 'via':
      return onlyOnce(node.step, isOnce)
    default:
      return []
  }
}

/** Operations of a decoded pipeline that must not be done twice when nobody knows whether the first try happened. */
export const onceIn = (step: AnyStep): string[] => onlyOnce(nodeOf(step))

/** Whether hosts wait for one another somewhere in a decoded pipeline. */
export const gathersIn = (step: AnyStep): boolean => gathers(nodeOf(step))
const gathers = (node: Node): boolean => {
  switch (node.kind) {
    case 'gather':
      return true
    case 'sequence':
      return node.steps.some(gathers)
    case 'recover':
      return gathers(node.step) || gathers(node.fallback)
    case 'retry':
    case 'via':
      return gathers(node.step)
    default:
      return false
  }
}

/** Why this `on` is not allowed around a step with the `once` operations named, or null. */
export const whyNotOn = (on: readonly string[], once: readonly string[]): string | null => {
  if (on.length === 0) return 'on is empty, it needs at least one kind of failure'
  for (const kind of on) {
    if ((repeatableKinds as readonly string[]).includes(kind)) continue
    if (!(doubtfulKinds as readonly string[]).includes(kind))
      return `on: ${JSON.stringify(kind).slice(0, 40)} cannot be repeated after; allowed are ${[...repeatableKinds, ...doubtfulKinds].join(', ')}`
    if (once.length > 0)
      return `on: ${kind} is allowed only for operations that read or are idempotent, and ${once[0]} is neither`
  }
  return null
}

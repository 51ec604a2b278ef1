import { disagreements, type AnyOperation } from '@re-ops/pipelines'
import type { Target } from '@re-ops/protocols'
import type { Example } from './example.ts'
import type { Transport } from './world.ts'

export type Answers = Readonly<Record<Transport, Target>>

/** Where the two transports disagree: one line each, nothing when they agree. */
export const differences = (operation: AnyOperation, { ownWords }: Example, { zmq, ssh }: Answers): string[] => {
  if (zmq.state !== ssh.state) return [`zmq ends ${endOf(zmq)}, ssh ends ${endOf(ssh)}`]
  if (zmq.state === 'ok')
    return disagreements(zmq.value, ssh.value, operation.varies).map(
      ({ path, a, b }) => `${path === '' ? 'the value' : path}: zmq ${short(a)}, ssh ${short(b)}`,
    )
  // What cannot be read came from a program that ended well, or, natively, from none.
  const ends = zmq.failure?.kind === 'exit' ? (['kind', 'code'] as const) : (['kind'] as const)
  const words = ownWords ? [] : (['signal', 'message', 'stderrTail'] as const)
  return [...ends, ...words]
    .filter(field => zmq.failure?.[field] !== ssh.failure?.[field])
    .map(field => `${field}: zmq ${short(zmq.failure?.[field])}, ssh ${short(ssh.failure?.[field])}`)
}

/** Why an answer is not what the example is there to show, or null. */
export const shortcoming = (example: Example, target: Target): string | null => {
  const { fails, gives } = example
  if (fails) {
    if (target.state === 'ok') return `is ok (${short(target.value)}) and was to fail`
    const { kind, code } = target.failure ?? {}
    const asWanted = kind === fails.kind && (fails.code === undefined || code === fails.code)
    return asWanted
      ? null
      : `ends ${endOf(target)}, not ${fails.kind}${fails.code === undefined ? '' : ` with ${fails.code}`}`
  }
  if (target.state !== 'ok') return `ends ${endOf(target)}`
  return gives === undefined || contains(target.value, gives)
    ? null
    : `gives ${short(target.value)}, not ${short(gives)}`
}

/** Whether all that is wanted is there: objects may hold more; of a list each wanted item must be in it. */
const contains = (value: unknown, wanted: unknown): boolean => {
  if (Array.isArray(wanted)) return Array.isArray(value) && wanted.every(one => value.some(item => contains(item, one)))
  if (typeof wanted === 'object' && wanted !== null)
    return (
      typeof value === 'object' &&
      value !== null &&
      Object.entries(wanted).every(([key, one]) => contains((value as Record<string, unknown>)[key], one))
    )
  return Object.is(value, wanted)
}

const endOf = ({ state, failure }: Target) => (failure ? `${state} (${failure.message.slice(0, 200)})` : state)
const short = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 200)

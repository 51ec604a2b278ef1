import type { AnyOperation } from './operation.ts'
import { type SchemaError } from './check.ts'
import { onlyOnce, whyNotOn } from './compose.ts'
import { inShort, nearest } from './nearest.ts'
import type { CodeRef } from '@re-ops/protocols'
import { stepOf, type Node, type Step } from './step.ts'

/** Limits of a pipeline that came from outside. `callsMax` is what one host may be asked at worst, retries included. */
export const pipelineLimits = { stepsMax: 64, nestingMax: 16, callsMax: 10_000, timeoutMsMax: 86_400_000 } as const

export type DecodedStep =
  | { readonly ok: true; readonly step: Step<unknown, unknown> }
  | {
      readonly ok: false
      readonly kind: 'bad-pipeline' | 'unknown-operation' | 'unknown-module' | 'bad-input'
      readonly errors: readonly SchemaError[]
    }

type Refusal = Exclude<DecodedStep, { ok: true }>
class Refused extends Error {
  readonly refusal: Refusal
  constructor(kind: Refusal['kind'], errors: readonly SchemaError[]) {
    super(kind)
    this.refusal = { ok: false, kind, errors }
  }
}
const bad = (path: string, message: string) => new Refused('bad-pipeline', [{ path, message }])

/** What decoding asks of an operation; those of live modules have no more. */
export type DecodeOperation = Pick<AnyOperation, 'name' | 'checkInput' | 'repeat' | 'reads' | 'dry'>
/** The operations of a live module by its hash; a text says why there are none. */
export type ModuleLookup = (hash: string) => readonly DecodeOperation[] | string

export type DecodeOptions = {
  /** Calls only say what they would change; those of operations that cannot are refused, and readers read. */
  readonly dry?: boolean
}

/**
 * A pipeline from outside, checked against a catalogue (and the live modules it names): its form, its limits, that the
 * operations exist and that their inputs fit. Never throws. Errors carry a JSON pointer into what was sent.
 */
export const decodeStep = (
  json: unknown,
  catalogue: readonly AnyOperation[],
  modules: ModuleLookup = () => 'there are no live modules here',
  { dry = false }: DecodeOptions = {},
): DecodedStep => {
  try {
    const known = { byName: namesOf(catalogue), modules, dry }
    const node = read(json, '', 0, known)
    const calls = callsAtMost(node)
    if (calls > pipelineLimits.callsMax)
      throw bad('', `may make ${calls} calls on one host, allowed are ${pipelineLimits.callsMax}`)
    return { ok: true, step: stepOf(node) }
  } catch (error) {
    if (error instanceof Refused) return error.refusal
    throw error
  }
}

/** A catalogue is the same list each time; making its table takes longer than all the rest. */
const tables = new WeakMap<readonly AnyOperation[], ReadonlyMap<string, AnyOperation>>()
const namesOf = (catalogue: readonly AnyOperation[]): ReadonlyMap<string, AnyOperation> => {
  const made = tables.get(catalogue) ?? new Map(catalogue.map(one => [one.name, one]))
  tables.set(catalogue, made)
  return made
}

const kinds = ['call', 'sequence', 'recover', 'retry', 'gather', 'via', 'map', 'pick', 'tap']
const fields: Record<string, readonly string[]> = {
  call: ['operation', 'module', 'input', 'with', 'timeoutMs'],
  sequence: ['steps'],
  recover: ['step', 'fallback', 'on'],
  retry: ['step', 'times', 'on'],
  gather: [],
  via: ['transport', 'step'],
  map: ['module', 'at'],
  pick: ['module', 'at'],
  tap: ['module', 'at'],
}
type Raw = Readonly<Record<string, unknown>>
type Known = {
  readonly byName: ReadonlyMap<string, DecodeOperation>
  readonly modules: ModuleLookup
  readonly dry: boolean
}

const read = (json: unknown, path: string, depth: number, known: Known): Node => {
  if (depth > pipelineLimits.nestingMax) throw bad(path, `is nested deeper than ${pipelineLimits.nestingMax} steps`)
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw bad(path, 'must be a step such as {"kind":"call","operation":"uptime"}')
  const raw = json as Raw
  const kind = raw['kind']
  const allowed = typeof kind === 'string' && Object.hasOwn(fields, kind) ? fields[kind] : undefined
  if (allowed === undefined) throw bad(`${path}/kind`, `must be one of ${kinds.join(', ')}`)
  const unknown = Object.keys(raw).find(key => key !== 'kind' && !allowed.includes(key))
  if (unknown !== undefined)
    throw bad(`${path}/${unknown.slice(0, 64)}`, `unknown field; allowed are ${['kind', ...allowed].join(', ')}`)
  switch (kind) {
    case 'call':
      return readCall(raw, path, known)
    case 'sequence':
      return readSequence(raw, path, depth, known)
    case 'recover': {
      const step = read(raw['step'], `${path}/step`, depth + 1, known)
      const fallback = read(raw['fallback'], `${path}/fallback`, depth + 1, known)
      return { kind, step, fallback, ...readOn(raw, path, step) }
    }
    case 'retry': {
      const step = read(raw['step'], `${path}/step`, depth + 1, known)
      const times = raw['times']
      if (typeof times !== 'number' || !Number.isInteger(times) || times < 1 || times > 10)
        throw bad(`${path}/times`, 'must be a whole number from 1 to 10')
      return { kind, step, times, ...readOn(raw, path, step) }
    }
    case 'via': {
      const transport = raw['transport']
      if (transport !== 'zmq' && transport !== 'ssh') throw bad(`${path}/transport`, 'must be one of zmq, ssh')
      return { kind, transport, step: read(raw['step'], `${path}/step`, depth + 1, known) }
    }
    case 'map':
    case 'pick':
    case 'tap':
      return { kind: 'named', of: kind, ...readCode(raw, path, known) }
    default:
      return { kind: 'gather' }
  }
}

/** What is there is known when it is asked for; that its module is known here, now. */
const readCode = ({ module, at }: Raw, path: string, known: Known): CodeRef => {
  if (typeof module !== 'string') throw bad(`${path}/module`, 'must be the hash of a module: 64 hexadecimal digits')
  operationsFor(module, path, known)
  if (typeof at !== 'string' || at === '' || at.length > 256)
    throw bad(`${path}/at`, 'must say where in the module the code is, such as slow/steps/1')
  return { module, at }
}
const readWith = (code: unknown, path: string, known: Known): { with?: CodeRef } => {
  if (code === undefined) return {}
  if (typeof code !== 'object' || code === null) throw bad(path, 'must be {"module":...,"at":...}')
  return { with: readCode(code as Raw, path, known) }
}

/** The operations a call may name: those of its module, or the catalogue's. */
const operationsFor = (module: unknown, path: string, known: Known): ReadonlyMap<string, DecodeOperation> => {
  if (module === undefined) return known.byName
  if (typeof module !== 'string' || !/^[0-9a-f]{64}$/.test(module))
    throw bad(`${path}/module`, 'must be the hash of a module: 64 hexadecimal digits')
  const found = known.modules(module)
  if (typeof found === 'string') throw new Refused('unknown-module', [{ path: `${path}/module`, message: found }])
  return new Map(found.map(one => [one.name, one]))
}

const readCall = (raw: Raw, path: string, known: Known): Node => {
  const { operation: name, module, input = {}, timeoutMs } = raw
  if (typeof name !== 'string') throw bad(`${path}/operation`, 'must be the name of an operation')
  const byName = operationsFor(module, path, known)
  const found = byName.get(name)
  if (!found) {
    const near = nearest(name, [...byName.keys()])
    const hint = `${near ? `did you mean ${near}? ` : ''}allowed are ${inShort([...byName.keys()], name).join(', ')}`
    throw new Refused('unknown-operation', [
      { path: `${path}/operation`, message: `no operation ${JSON.stringify(name.slice(0, 64))}; ${hint}` },
    ])
  }
  const code = readWith(raw['with'], `${path}/with`, known)
  if (code.with && raw['input'] !== undefined)
    throw bad(`${path}/with`, 'makes the input; there must be no input beside it')
  const errors = code.with ? [] : found.checkInput(input)
  if (errors.length > 0)
    throw new Refused(
      'bad-input',
      errors.map(one => ({ path: `${path}/input${one.path}`, message: one.message })),
    )
  const limit = readTimeout(timeoutMs, path)
  const dryInput = known.dry && found.reads !== true
  if (dryInput && (found.dry !== true || code.with))
    return {
      kind: 'refused',
      operation: name,
      why: `dry run: ${name} cannot say what it would do, so it was not asked`,
    }
  const of = typeof module === 'string' ? { module, reads: found.reads === true } : {}
  const given = dryInput ? { ...(input as object), dry: true } : input
  return { kind: 'call', operation: name, ...of, input: given, ...code, repeat: found.repeat, ...limit }
}

const readTimeout = (timeoutMs: unknown, path: string): { timeoutMs?: number } => {
  if (timeoutMs === undefined) return {}
  const { timeoutMsMax } = pipelineLimits
  if (typeof timeoutMs !== 'number' || !Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > timeoutMsMax)
    throw bad(`${path}/timeoutMs`, `must be a whole number from 1 to ${timeoutMsMax} (a day)`)
  return { timeoutMs }
}

const readSequence = (raw: Raw, path: string, depth: number, known: Known): Node => {
  const steps = raw['steps']
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > pipelineLimits.stepsMax)
    throw bad(`${path}/steps`, `must be a list of 1 to ${pipelineLimits.stepsMax} steps`)
  return {
    kind: 'sequence',
    steps: steps.map((one: unknown, n) => read(one, `${path}/steps/${n}`, depth + 1, known)),
  }
}

const readOn = (raw: Raw, path: string, step: Node): { on?: readonly string[] } => {
  const on = raw['on']
  if (on === undefined) return {}
  if (!Array.isArray(on) || on.length > 8 || !on.every(one => typeof one === 'string'))
    throw bad(`${path}/on`, 'must be a list of at most 8 kinds of failure')
  const why = whyNotOn(on, onlyOnce(step))
  if (why) throw bad(`${path}/on`, why)
  return { on }
}

/** How many calls one host may be asked to do at worst. */
const callsAtMost = (node: Node): number => {
  switch (node.kind) {
    case 'call':
      return 1
    case 'sequence':
      return node.steps.reduce((sum, one) => sum + callsAtMost(one), 0)
    case 'recover':
      return callsAtMost(node.step) + callsAtMost(node.fallback)
    case 'retry':
      return callsAtMost(node.step) * (node.times + 1)
    case 'via':
      return callsAtMost(node.step)
    default:
      return 0
  }
}

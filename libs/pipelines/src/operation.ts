import type { Native, OperationSpec, Shell, Varies } from '@re-ops/protocols'
import type { Static, TSchema } from 'typebox'
import { summaryFunction } from './aggregate/functions.ts'
import { makeCheck, type Check } from './check.ts'
import { stepOf, type Repeat, type Step } from './step.ts'
import { volatility } from './varies.ts'

/** The arguments of an operation: none needed when every field of its input is optional. */
export type Args<I> = {} extends I ? [input?: I] : [input: I]

/** How a value of the output is shown to people, one column each, in the order of importance. */
export type Column = { readonly title: string; get(value: unknown): string }

/** What every operation has, whatever its types: an entry of a catalogue. */
export type AnyOperation = OperationSpec<unknown> & {
  readonly repeat: Repeat
  /**
   * A hint for tables. `rows` splits a value into lines when it is a list of things (mounts, processes); `columns` gives
   * the cells of one line. Programs ignore it: their output is the value.
   */
  readonly display?: Display
  readonly checkInput: Check
  readonly checkOutput: Check
}
export type Display = { rows?(value: unknown): readonly unknown[]; readonly columns: readonly Column[] }

/** An operation is data, and callable to make a step: `disk()`, `shell({ argv: ['uname', '-r'] })`. */
export type Operation<I, O, R extends Repeat = Repeat> = AnyOperation & {
  (...args: Args<I>): Step<unknown, O, R>
  /** The step whose input is made from the value so far. */
  with<V>(input: (value: V) => I): Step<V, O, R>
}

type SpecOf<I extends TSchema, O extends TSchema, D> = {
  readonly name: string
  readonly doc: string
  readonly input: I
  readonly output: O
  readonly idempotent?: boolean
  readonly reads?: boolean
  readonly summary?: Readonly<Record<string, readonly string[]>>
  readonly fact?: string
  readonly dry?: boolean
  readonly varies?: Varies
  fold?(value: Static<O>): unknown
  readonly display?: D
} & (
  | { readonly shell: Shell<Static<I>, Static<O>>; readonly native?: boolean | Native<Static<I>, Static<O>> }
  | { readonly shell?: undefined; readonly native: true | Native<Static<I>, Static<O>> }
)
/** `get` is a method, so that a column of a list may name the type of its row. */
type DisplayOf<O> =
  | { readonly rows?: undefined; readonly columns: readonly { readonly title: string; get(row: O): string }[] }
  | { rows(value: O): readonly unknown[]; readonly columns: readonly Column[] }
type RepeatOf<S> = S extends { readonly reads: true } | { readonly idempotent: true } ? 'safe' : 'once'

/**
 * Declares an operation. `reads` and `idempotent` are part of its type, so that a step of it may (or may not) be repeated
 * after `timeout` or `lost`. Throws when the name is not of the form `family.verb`, in lower case, or a mark has nothing behind it.
 */
export const operation = <
  I extends TSchema,
  O extends TSchema,
  const F extends { readonly reads?: boolean; readonly idempotent?: boolean },
>(
  spec: SpecOf<I, O, DisplayOf<Static<O>>> & F,
): Operation<Static<I>, Static<O>, RepeatOf<F>> => {
  if (!/^[a-z][a-z0-9-]*(\.[a-z][A-Za-z0-9-]*)*$/.test(spec.name))
    throw new TypeError(`operation: name ${JSON.stringify(spec.name)} is not like "disk" or "process.list"`)
  const forms: { readonly shell?: unknown; readonly native?: unknown } = spec
  if (!forms.shell && forms.native !== true && typeof forms.native !== 'function')
    throw new TypeError(`operation ${spec.name}: needs a shell form, or a native one`)
  for (const name of Object.values(spec.summary ?? {}).flat()) summaryFunction(name)
  if (spec.fact !== undefined && !/^[A-Za-z][A-Za-z0-9_-]*$/.test(spec.fact))
    throw new TypeError(
      `operation ${spec.name}: fact ${JSON.stringify(spec.fact)} is not a letter, then letters, digits, _ and -`,
    )
  if (spec.dry === true && !Object.hasOwn((spec.input as { properties?: object }).properties ?? {}, 'dry'))
    throw new TypeError(`operation ${spec.name}: dry: true needs an input \`dry\``)
  const repeat: Repeat = spec.reads === true || spec.idempotent === true ? 'safe' : 'once'
  const step = (input: unknown) => stepOf({ kind: 'call', operation: spec.name, input: input ?? {}, repeat })
  const more = {
    ...spec,
    repeat,
    checkInput: makeCheck(spec.input),
    checkOutput: makeCheck(spec.output),
    with: (inputFrom: (value: unknown) => unknown) => stepOf({ kind: 'call', operation: spec.name, inputFrom, repeat }),
  }
  // A function's own `name` cannot be assigned, only defined; the rest goes the same way.
  const described = Object.fromEntries(
    Object.entries(more).map(([key, value]) => [key, { value, enumerable: true, writable: false }]),
  )
  return Object.defineProperties(step, described) as unknown as Operation<Static<I>, Static<O>, RepeatOf<F>>
}

/** An operation as JSON, schemas included: what `GET /v1/operations` answers and the documents are made from. */
export const describeOperation = (of: AnyOperation) => ({
  name: of.name,
  doc: of.doc,
  reads: of.reads === true,
  idempotent: of.idempotent === true,
  forms: [...(of.shell ? ['shell'] : []), ...(of.native ? ['native'] : [])],
  input: of.input,
  output: of.output,
  summary: of.summary ?? {},
  fact: of.fact ?? null,
  dry: of.dry === true,
  varies: volatility(of.varies),
})
export type OperationDescription = ReturnType<typeof describeOperation>

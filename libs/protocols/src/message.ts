import { makeValidator } from '#validator'
import { type Static, type TSchema } from 'typebox'

/** One kind of wire message: its name, its version, one line of what it is for, and the schema of its body. */
export type Message<K extends string, B extends TSchema> = {
  readonly kind: K
  readonly version: number
  readonly doc: string
  readonly body: B
}

export const message = <const K extends string, B extends TSchema>(m: Message<K, B>): Message<K, B> => m

type AnyMessage = Message<string, TSchema>
/** A decoded message: `token` is the session's, absent before the session exists. */
export type Decoded<M extends AnyMessage> =
  M extends Message<infer K, infer B> ? { readonly kind: K; readonly token?: string; readonly body: Static<B> } : never
export type DecodeError = { readonly kind: 'malformed'; readonly why: string }

/**
 * A message as it is given to the socket. A short one is text: zeromq.js refers to a Buffer until the network has it and comes back to this thread to
 * give it up, which costs more than to copy so little.
 */
export type Frame = string | Buffer

type Body<M extends AnyMessage, K> = Static<Extract<M, { kind: K }>['body']>

export type Protocol<M extends AnyMessage> = {
  readonly messages: readonly M[]
  encode<K extends M['kind']>(kind: K, body: Body<M, K>, token?: string): Buffer
  /** The same for many receivers: what `shared` holds of the body is written once. `own` holds the rest of it. */
  encoder<K extends M['kind'], S extends Partial<Body<M, K>>>(
    kind: K,
    shared: S,
  ): (own: Omit<Body<M, K>, keyof S>, token?: string) => Frame
  /** The same frame as `encode`, of a body that is JSON text already. */
  encodeText(kind: M['kind'], body: string, token?: string): Frame
  decode(bytes: Uint8Array): Decoded<M> | DecodeError
}

const nestingMax = 100
const textFrameMax = 16_384

const frameOf = (text: string): Frame => (text.length <= textFrameMax ? text : Buffer.from(text))

/**
 * Whether a parsed value has more than `max` lists and objects inside each other. It is parsed without harm, but writing
 * it again (to Postgres, to a log) would exhaust the stack. Values are walked, not bytes: a loop over the bytes of the
 * first message is hot enough to wake the optimising compiler, and costs an agent 5 MB of resident code for good.
 */
const nestsDeeperThan = (max: number, value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return false
  if (max === 0) return true
  if (Array.isArray(value)) return value.some(inner => nestsDeeperThan(max - 1, inner))
  // By name: a list of its values would cost five times the walk. What was parsed inherits none.
  for (const name in value) if (nestsDeeperThan(max - 1, (value as Record<string, unknown>)[name])) return true
  return false
}

const textOf = (bytes: Uint8Array): string =>
  (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString('utf8')

/**
 * A set of messages that travel one way. `decode` never throws, whatever the bytes are: it answers `malformed` and why,
 * and the receiver drops and counts it. Frame: UTF-8 JSON {k: kind, v: version, t?: session token, b: body}.
 */
export const protocol = <const T extends readonly AnyMessage[]>(...messages: T): Protocol<T[number]> => {
  type M = T[number]
  const byKind = new Map(messages.map(m => [m.kind, { version: m.version, validator: makeValidator(m.body) }]))
  const frame = (kind: string, body: string, token?: string): string => {
    const version = byKind.get(kind)?.version ?? 1
    const session = token === undefined ? '' : `"t":${JSON.stringify(token)},`
    return `{"k":"${kind}","v":${version},${session}"b":${body}}`
  }
  const malformed = (why: string): DecodeError => ({ kind: 'malformed', why })
  return {
    messages,
    encode: (kind, body, token) => Buffer.from(frame(kind, JSON.stringify(body), token)),
    encodeText: (kind, body, token) => frameOf(frame(kind, body, token)),
    encoder: (kind, shared) => {
      const head = JSON.stringify({ k: kind, v: byKind.get(kind)?.version ?? 1 }).slice(0, -1)
      const rest = JSON.stringify(shared).slice(1)
      return (own, token) => {
        const mine = JSON.stringify(own).slice(0, -1)
        const comma = rest === '}' || mine === '{' ? '' : ','
        return frameOf(
          `${head}${token === undefined ? '' : `,"t":${JSON.stringify(token)}`},"b":${mine}${comma}${rest}}`,
        )
      }
    },
    decode: bytes => {
      let frame: unknown
      try {
        frame = JSON.parse(textOf(bytes))
      } catch {
        return malformed('not JSON')
      }
      if (nestsDeeperThan(nestingMax, frame)) return malformed(`nested deeper than ${nestingMax}`)
      if (typeof frame !== 'object' || frame === null) return malformed('not an object')
      const { k, v, t, b } = frame as { k?: unknown; v?: unknown; t?: unknown; b?: unknown }
      const known = typeof k === 'string' ? byKind.get(k) : undefined
      if (!known) return malformed('unknown kind')
      if (v !== known.version) return malformed(`version of ${k as string} is not ${known.version}`)
      if (t !== undefined && (typeof t !== 'string' || t.length > 64)) return malformed('bad token')
      try {
        if (!known.validator.check(b)) {
          const first = known.validator.errors(b)[0]
          return malformed(`${k as string}${first?.instancePath ?? ''} ${first?.message ?? 'does not fit'}`)
        }
      } catch {
        return malformed(`${k as string} is nested too deeply`)
      }
      return (t === undefined ? { kind: k, body: b } : { kind: k, token: t, body: b }) as Decoded<M>
    },
  }
}

import { createHash } from 'node:crypto'
import { Type, type Static } from 'typebox'
import { canonical } from './canonical.ts'
import { signParts, verifyParts, type SigningKeys } from './signing.ts'

/** Limits of live modules, stated once. Bytes, counts, milliseconds. */
export const moduleLimits = {
  codeBytesMax: 524_288,
  operationsMax: 64,
  schemaBytesMax: 65_536,
  schemaNestingMax: 32,
  /** Of one message that carries a module: base64 makes 64 KiB of it. */
  partBytesMax: 49_152,
  /** A module whose one part has at most so many characters goes ahead of its first call in a session. */
  aheadCharsMax: 8_192,
  partsMax: 64,
  memoryBytesDefault: 268_435_456,
  memoryBytesMax: 4_294_967_296,
  outputBytesDefault: 1_048_576,
  outputBytesMax: 16_777_216,
  perRunMax: 16,
} as const

/** SHA-256 of a module's content, hex. Always of this form, so it is safe as a file name. */
export const ModuleHash = Type.String({
  pattern: '^[0-9a-f]{64}$',
  description: 'SHA-256 of the content of a module, hex',
})
export type ModuleHash = Static<typeof ModuleHash>

/** A JSON Schema from outside: what it may hold is looked at by schemaProblem. */
const Schema = Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema' })

/** What a module says about one of its operations: all that a service or an agent needs without running its code. */
export const ModuleOperation = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9-]*(\\.[a-z][A-Za-z0-9-]*)*$', maxLength: 128 }),
    doc: Type.String({ maxLength: 512 }),
    reads: Type.Boolean(),
    idempotent: Type.Boolean(),
    dry: Type.Optional(Type.Boolean({ description: 'input `dry: true` makes it only say what it would change' })),
    forms: Type.Array(Type.Enum(['shell', 'native']), { minItems: 1, maxItems: 2 }),
    input: Schema,
    output: Schema,
    summary: Type.Record(Type.String({ maxLength: 128 }), Type.Array(Type.String({ maxLength: 64 }), { maxItems: 16 })),
    varies: Type.Union([
      Type.Array(Type.String({ maxLength: 128 }), { maxItems: 64 }),
      Type.Record(
        Type.String({ maxLength: 128 }),
        Type.Union([
          Type.Enum(['any', 'host']),
          Type.Object({ tolerance: Type.Number({ minimum: 0 }), absolute: Type.Optional(Type.Number({ minimum: 0 })) }),
        ]),
        { maxProperties: 64 },
      ),
    ]),
  },
  { additionalProperties: false },
)
export type ModuleOperation = Static<typeof ModuleOperation>

/** Of the process that runs the module on a host; a host may allow less. */
export const ModuleLimits = Type.Object(
  {
    memoryBytesMax: Type.Integer({ minimum: 67_108_864, maximum: moduleLimits.memoryBytesMax }),
    outputBytesMax: Type.Integer({ minimum: 1024, maximum: moduleLimits.outputBytesMax }),
  },
  { additionalProperties: false },
)
export type ModuleLimits = Static<typeof ModuleLimits>
export const defaultModuleLimits: ModuleLimits = {
  memoryBytesMax: moduleLimits.memoryBytesDefault,
  outputBytesMax: moduleLimits.outputBytesDefault,
}

/** One bundled ES module that imports nothing but `node:` modules, and what it offers. Its hash is that of all of this. */
export const ModuleContent = Type.Object(
  {
    code: Type.String({ minLength: 1, maxLength: moduleLimits.codeBytesMax }),
    operations: Type.Array(ModuleOperation, { maxItems: moduleLimits.operationsMax }),
    limits: ModuleLimits,
  },
  { additionalProperties: false },
)
export type ModuleContent = Static<typeof ModuleContent>

/** Body of `POST /v1/modules`. With `hash` a body that was damaged on its way is refused. */
export const PushModule = Type.Object(
  {
    code: ModuleContent.properties.code,
    operations: ModuleContent.properties.operations,
    limits: Type.Optional(ModuleLimits),
    hash: Type.Optional(ModuleHash),
  },
  { additionalProperties: false },
)
export type PushModule = Static<typeof PushModule>

/** A stored module without its code. */
export const Module = Type.Object({
  hash: ModuleHash,
  operations: Type.Array(ModuleOperation),
  limits: ModuleLimits,
  codeBytes: Type.Integer(),
  pushedBy: Type.String(),
  pushedAt: Type.String({ format: 'date-time' }),
  revokedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  revokedBy: Type.Union([Type.String(), Type.Null()]),
})
export type Module = Static<typeof Module>

/** A module as hosts get it: who pushed it, and the installation's word for all of it. */
export const SignedModule = Type.Object({
  hash: ModuleHash,
  ...ModuleContent.properties,
  subject: Type.String({ maxLength: 256, description: 'who pushed it' }),
  key: Type.String({ maxLength: 64, description: 'which of the module keys of the keyset signed it' }),
  signature: Type.String({ maxLength: 128 }),
})
export type SignedModule = Static<typeof SignedModule>

/** The name of a content. Keys in any order give the same name. */
export const moduleHash = ({ code, operations, limits }: ModuleContent): string =>
  createHash('sha256')
    .update(canonical(['re-ops module v1', code, operations, limits]))
    .digest('hex')

const moduleParts = (m: Omit<SignedModule, 'signature' | 'code'>) => [
  're-ops module v1',
  m.hash,
  canonical(m.operations),
  canonical(m.limits),
  m.subject,
  m.key,
]
export const signModule = (keys: SigningKeys, content: ModuleContent, subject: string): SignedModule => {
  const unsigned = { ...content, hash: moduleHash(content), subject, key: keys.publicKey }
  return { ...unsigned, signature: signParts(keys, moduleParts(unsigned)) }
}

/** Why a module must not be run by who holds these module keys, or null when it may be. Never throws. */
export const moduleProblem = (moduleKeys: readonly string[], hash: string, module: SignedModule): string | null => {
  if (module.hash !== hash) return 'it is another module than the one asked for'
  try {
    if (moduleHash(module) !== hash) return 'its content does not have this hash'
  } catch {
    return 'its content is nested too deeply'
  }
  if (!moduleKeys.includes(module.key)) return 'it is signed by a key that is not in the keyset'
  return verifyParts(module.key, moduleParts(module), module.signature) ? null : 'its signature is not genuine'
}

/**
 * Why a JSON Schema from outside is refused, or null: too big, too deep, pointing outside of itself, or with a pattern that is
 * none. What a sound one costs to check is bounded where it is checked.
 */
export const schemaProblem = (schema: unknown): string | null => {
  const bytes = Buffer.byteLength(JSON.stringify(schema) ?? '')
  if (bytes > moduleLimits.schemaBytesMax) return `has ${bytes} bytes; at most ${moduleLimits.schemaBytesMax}`
  return partProblem(schema, 0)
}
const shown = (text: string) => JSON.stringify(text.slice(0, 64))
const isPattern = (text: string): boolean => {
  try {
    return new RegExp(text, 'u') instanceof RegExp
  } catch {
    return false
  }
}
const keywordProblem = (key: string, value: unknown): string | null => {
  const patterns = key === 'patternProperties' && typeof value === 'object' ? Object.keys(value ?? {}) : []
  if (key === 'pattern' && typeof value === 'string') patterns.push(value)
  const bad = patterns.find(one => !isPattern(one))
  if (bad !== undefined) return `has ${shown(bad)}, which is no pattern`
  if ((key === '$ref' || key === '$dynamicRef') && typeof value === 'string' && !/^(#|[A-Za-z_][\w.-]*$)/.test(value))
    return `has ${key} ${shown(value)}, which points outside`
  return null
}
const partProblem = (part: unknown, depth: number): string | null => {
  if (depth > moduleLimits.schemaNestingMax) return `is nested deeper than ${moduleLimits.schemaNestingMax}`
  if (typeof part !== 'object' || part === null) return null
  for (const [key, value] of Object.entries(part)) {
    const why = keywordProblem(key, value) ?? partProblem(value, depth + 1)
    if (why !== null) return why
  }
  return null
}

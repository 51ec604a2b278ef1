import { Type, type Static } from 'typebox'
import { Labels, Name } from './names.ts'
import { Id } from './ids.ts'
import { signParts, verifyParts, type SigningKeys } from './signing.ts'

const Key = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description: '32 bytes, base64url' })
/** A CURVE public key in ZeroMQ's own text form. */
export const CurveKey = Type.String({ minLength: 40, maxLength: 40, description: 'CURVE public key, Z85' })

/** What the trust root signs. Agents accept only a higher serial than the one they hold. */
export const Keyset = Type.Object({
  serial: Type.Integer({ minimum: 1 }),
  root: Key,
  installation: Id,
  curveServerKeys: Type.Array(CurveKey, { minItems: 1, maxItems: 4 }),
  sealKey: Key,
  moduleKeys: Type.Array(Key, { maxItems: 8 }),
  endpoints: Type.Array(Type.String({ maxLength: 256 }), {
    minItems: 1,
    maxItems: 16,
    description: 'brokers, for example tcp://127.0.0.1:7022',
  }),
  notBefore: Type.String({ format: 'date-time' }),
  notAfter: Type.String({ format: 'date-time' }),
  signature: Type.String({ maxLength: 128 }),
})
export type Keyset = Static<typeof Keyset>

// Lists are signed as JSON: joined by a separator, two different lists could have one text.
const keysetParts = (k: Omit<Keyset, 'signature'>) => [
  're-ops keyset v1',
  k.serial,
  k.root,
  k.installation,
  JSON.stringify(k.curveServerKeys),
  k.sealKey,
  JSON.stringify(k.moduleKeys),
  JSON.stringify(k.endpoints),
  k.notBefore,
  k.notAfter,
]
export const signKeyset = (root: SigningKeys, keyset: Omit<Keyset, 'signature'>): Keyset => ({
  ...keyset,
  signature: signParts(root, keysetParts(keyset)),
})
/** Whether `root` signed this keyset (and no other key did). */
export const keysetIsGenuine = (root: string, keyset: Keyset): boolean =>
  keyset.root === root && verifyParts(root, keysetParts(keyset), keyset.signature)

/** An enrolment token as it is handed out: `re1.<secret>.<root public key>`. Only the secret's hash is stored. */
export const enrolmentToken = (secret: string, root: string): string => `re1.${secret}.${root}`
export const parseEnrolmentToken = (token: string): { secret: string; root: string } | null => {
  const match = /^re1\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/.exec(token.trim())
  return match ? { secret: match[1] as string, root: match[2] as string } : null
}

/**
 * Body of `POST /v1/enrolments`. Without `tokenHash` the service makes the token and answers it once.
 * With `system`, the enrolment is bound to (system, generation, candidate) and asking again is the same enrolment.
 */
export const CreateEnrolment = Type.Object(
  {
    tokenHash: Type.Optional(Key),
    system: Type.Optional(Id),
    generation: Type.Optional(Type.Integer({ minimum: 1 })),
    candidate: Type.Optional(Type.Integer({ minimum: 0 })),
    name: Type.Optional(Name),
    labels: Type.Optional(Labels),
    uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, description: 'default 1' })),
    ttlMs: Type.Optional(Type.Integer({ minimum: 1000, maximum: 31_536_000_000, description: 'default one hour' })),
    sources: Type.Optional(
      Type.Array(Type.String({ maxLength: 64 }), { maxItems: 32, description: 'CIDR ranges that may use it' }),
    ),
  },
  { additionalProperties: false },
)
export type CreateEnrolment = Static<typeof CreateEnrolment>

export const Enrolment = Type.Object({
  id: Id,
  system: Type.Union([Id, Type.Null()]),
  generation: Type.Union([Type.Integer(), Type.Null()]),
  candidate: Type.Union([Type.Integer(), Type.Null()]),
  name: Type.Union([Name, Type.Null()]),
  labels: Labels,
  usesLeft: Type.Integer(),
  expiresAt: Type.String({ format: 'date-time' }),
  token: Type.Optional(Type.String({ description: 'shown once, when the service made it' })),
})
export type Enrolment = Static<typeof Enrolment>

/** An enrolment as it is listed: what its token may still do, never the token. */
export const EnrolmentInfo = Type.Object({
  id: Id,
  system: Enrolment.properties.system,
  generation: Enrolment.properties.generation,
  candidate: Enrolment.properties.candidate,
  name: Enrolment.properties.name,
  labels: Labels,
  uses: Type.Integer(),
  usesLeft: Type.Integer(),
  sources: Type.Array(Type.String()),
  host: Type.Union([Id, Type.Null()], { description: 'the SSH host that gets its agent by it' }),
  state: Type.Enum(['open', 'used', 'expired', 'revoked']),
  createdBy: Type.String(),
  createdAt: Type.String({ format: 'date-time' }),
  expiresAt: Type.String({ format: 'date-time' }),
})
export type EnrolmentInfo = Static<typeof EnrolmentInfo>

/** The plain text inside the sealed body of `POST /v1/enrol`. */
export const EnrolRequest = Type.Object(
  {
    secret: Key,
    curveKey: CurveKey,
    signKey: Key,
    name: Name,
    labels: Labels,
    instance: Type.String({ maxLength: 128 }),
    version: Type.String({ maxLength: 32 }),
  },
  { additionalProperties: false },
)
export type EnrolRequest = Static<typeof EnrolRequest>

/** `POST /v1/enrol` {sealed} -> the identity, the same one for the same (token, keys). */
export const SealedEnrol = Type.Object({ sealed: Type.String({ maxLength: 16_384 }) }, { additionalProperties: false })
export const EnrolAnswer = Type.Object({ host: Id, name: Name, keyset: Keyset })
export type EnrolAnswer = Static<typeof EnrolAnswer>

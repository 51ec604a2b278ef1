import { Type, type Static } from 'typebox'

/** A key of the installation, as far as everybody may know it. */
export const InstallationKey = Type.Object({
  kind: Type.Enum(['root', 'server', 'module', 'seal']),
  publicKey: Type.String(),
  state: Type.Enum(['in use', 'next', 'before'], {
    description: '`next`: published, and in use after the switch; `before`: published still, retired next',
  }),
  madeAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'null: with the installation',
  }),
})
export type InstallationKey = Static<typeof InstallationKey>

/** The keys that the keyset publishes. */
export const KeysInfo = Type.Object({
  serial: Type.Integer(),
  notAfter: Type.String({ format: 'date-time' }),
  keys: Type.Array(InstallationKey),
})
export type KeysInfo = Static<typeof KeysInfo>

/** Body of `POST /v1/keys/rotate`. */
export const RotateKeys = Type.Object(
  {
    kind: Type.Enum(['server', 'module'], {
      description: 'server: what agents know brokers by; module: what live modules are signed with',
    }),
    step: Type.Optional(
      Type.Enum(['publish', 'switch', 'both'], {
        description:
          '`publish` tells agents of the next key, `switch` uses it; default both. Whoever is offline for both takes the keyset over HTTP',
      }),
    ),
  },
  { additionalProperties: false },
)
export type RotateKeys = Static<typeof RotateKeys>

/** Body of `POST /v1/keys/retire`. */
export const RetireKey = Type.Object(
  { publicKey: Type.String({ minLength: 40, maxLength: 64 }) },
  { additionalProperties: false },
)
export type RetireKey = Static<typeof RetireKey>

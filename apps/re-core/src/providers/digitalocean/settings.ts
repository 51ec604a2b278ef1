import { ProviderError } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { endpointPattern } from '../endpoint.ts'

/** Of an account at DigitalOcean. */
export const DoSettings = Type.Object(
  {
    endpoint: Type.Optional(
      Type.String({
        pattern: endpointPattern,
        description: 'instead of https://api.digitalocean.com: a stand-in',
      }),
    ),
    sshKeys: Type.Optional(
      Type.Array(Type.String({ pattern: '^[0-9a-f:]+$' }), {
        maxItems: 16,
        description: 'ids or fingerprints of keys of the account; put into every machine',
      }),
    ),
    vpc: Type.Optional(Type.String({ pattern: '^[0-9a-f-]{36}$', description: 'id of the VPC machines are made in' })),
    monitoring: Type.Optional(Type.Boolean({ description: "DigitalOcean's own metrics agent" })),
    ipv6: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type DoSettings = Static<typeof DoSettings>

/** Throws `invalid`, without the text. */
export const tokenOf = (secret: string | null): string => {
  const token = secret?.trim() ?? ''
  if (!/^[\x21-\x7e]{8,512}$/.test(token))
    throw new ProviderError(
      'invalid',
      'not-applied',
      'the secret of a DigitalOcean account is its API token (dop_v1_...), in one line',
    )
  return token
}

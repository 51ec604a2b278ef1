import { Type, type Static } from 'typebox'
import { Name, RegionName, ZoneName } from './names.ts'
import { ProviderKind } from './system.ts'

/** Where something beside machines is; what is left out has a default where there is only one choice. */
export const ExtraPlace = Type.Object(
  { provider: Type.Optional(ProviderKind), account: Type.Optional(Name), region: Type.Optional(RegionName) },
  { additionalProperties: false },
)
export type ExtraPlace = Static<typeof ExtraPlace>

/** Body of `PUT /v1/volumes/:name`: one that is there grows to the size. */
export const PutVolume = Type.Object(
  { sizeGb: Type.Integer({ minimum: 1, maximum: 16_384 }), zone: Type.Optional(ZoneName) },
  { additionalProperties: false },
)
export type PutVolume = Static<typeof PutVolume>
/** Body of `POST /v1/volumes/:name/attach`. */
export const AttachVolume = Type.Object(
  { system: Type.String({ minLength: 1, maxLength: 63, description: 'id or name' }) },
  { additionalProperties: false },
)

const place = { provider: ProviderKind, account: Name, region: Type.String() }
export const VolumeInfo = Type.Object({
  ...place,
  name: Type.String(),
  ref: Type.Union([Type.String(), Type.Null()], { description: "the provider's id; null: it is not made yet" }),
  sizeGb: Type.Number(),
  zone: Type.Union([Type.String(), Type.Null()]),
  attachedTo: Type.Union([Type.String(), Type.Null()], { description: "the provider's id of a machine" }),
  system: Type.Union([Type.String(), Type.Null()], { description: 'whose machine that is' }),
  state: Type.Enum(['ready', 'pending', 'leaving', 'failed', 'gone'], {
    description: 'pending, leaving: it is made, made larger or deleted; failed: it is not as it was wanted, see error',
  }),
  error: Type.Union([Type.String(), Type.Null()], { description: 'why it waits or has failed' }),
})
export type VolumeInfo = Static<typeof VolumeInfo>

export const PutSshKey = Type.Object(
  { publicKey: Type.String({ pattern: '^(ssh|ecdsa|sk)-\\S+ \\S+', maxLength: 8_192 }) },
  { additionalProperties: false },
)
export const SshKeyInfo = Type.Object({ ...place, name: Type.String(), ref: Type.String(), fingerprint: Type.String() })
export type SshKeyInfo = Static<typeof SshKeyInfo>

export const FirewallRuleBody = Type.Object(
  {
    direction: Type.Enum(['in', 'out']),
    protocol: Type.Enum(['tcp', 'udp', 'icmp']),
    ports: Type.Union([Type.String({ pattern: '^\\d{1,5}(-\\d{1,5})?$' }), Type.Null()], { description: 'null: all' }),
    peers: Type.Array(Type.String({ pattern: '^[0-9a-fA-F.:]+(/\\d{1,3})?$', description: 'an address or CIDR' }), {
      minItems: 1,
      maxItems: 64,
    }),
  },
  { additionalProperties: false },
)
/** Body of `PUT /v1/firewalls/:name`: all its rules; what is not among them goes. */
export const PutFirewall = Type.Object(
  { rules: Type.Array(FirewallRuleBody, { maxItems: 50 }) },
  { additionalProperties: false },
)
export type PutFirewall = Static<typeof PutFirewall>
export const FirewallInfo = Type.Object({
  ...place,
  name: Type.String(),
  ref: Type.String(),
  rules: Type.Array(FirewallRuleBody),
})
export type FirewallInfo = Static<typeof FirewallInfo>

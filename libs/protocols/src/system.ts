import { Type, type Static } from 'typebox'
import { ExtraName, IpAddress, Labels, Name, RegionName, ZoneName } from './names.ts'
import { Id } from './ids.ts'
import { AskPolicy, Drift, Policy } from './drift.ts'
import { AskLease, Lease } from './lease.ts'

/** Public phases of a system, in the order a life usually takes. */
export const phases = [
  'planned',
  'requested',
  'booting',
  'enrolled',
  'provisioning',
  'ready',
  'stopping',
  'stopped',
  'destroying',
  'forgetting',
  'gone',
  'failed',
  'lost',
] as const
export const Phase = Type.Enum(phases)
export type Phase = (typeof phases)[number]

export const PhaseSpan = Type.Object({
  name: Phase,
  at: Type.String({ format: 'date-time', description: 'when it was entered' }),
  ms: Type.Union([Type.Integer(), Type.Null()], { description: 'how long it lasted; null while it lasts' }),
})
export type PhaseSpan = Static<typeof PhaseSpan>

export const ProviderKind = Type.Enum(['local', 'kvm', 'ec2', 'digitalocean', 'physical'], {
  description: 'code that makes instances',
})
export type ProviderKind = Static<typeof ProviderKind>

export const Readiness = Type.Enum(['agent', 'ssh', 'none'])
export type Readiness = Static<typeof Readiness>

/** A disk that is made with a system, attached to its machine, and ends with the system unless it is told otherwise. */
export const NewVolume = Type.Object(
  {
    sizeGb: Type.Integer({ minimum: 1, maximum: 16_384 }),
    name: Type.Optional(ExtraName),
  },
  { additionalProperties: false },
)
export type NewVolume = Static<typeof NewVolume>

/** What not every provider has, and what may be left to it. */
export const MachineOptions = Type.Object(
  {
    zones: Type.Optional(Type.Array(ZoneName, { minItems: 1, maxItems: 8, description: 'where, tried in this order' })),
    market: Type.Optional(Type.Enum(['on-demand', 'spot'], { description: 'spot: cheaper, and may be taken back' })),
    diskGb: Type.Optional(Type.Integer({ minimum: 1, maximum: 16_384 })),
    sshKeys: Type.Optional(
      Type.Array(Type.String({ pattern: '^(ssh|ecdsa|sk)-\\S+ \\S+', maxLength: 8_192 }), { maxItems: 16 }),
    ),
    keys: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
        maxItems: 16,
        uniqueItems: true,
        description: 'names of SSH keys that the account has at its provider',
      }),
    ),
    firewalls: Type.Optional(
      Type.Array(ExtraName, { maxItems: 5, uniqueItems: true, description: 'names of firewalls of the account' }),
    ),
    volumes: Type.Optional(
      Type.Array(NewVolume, {
        maxItems: 8,
        description: 'made and attached before it is ready; `<system>-disk-1`, ...',
      }),
    ),
    userData: Type.Optional(
      Type.String({
        pattern: '^(sealed|(secret|file|env):[^\\s]+)$',
        maxLength: 512,
        description: 'a reference to what cloud-init is given; `sealed`: given as a text, which nobody is shown',
      }),
    ),
  },
  { additionalProperties: false },
)
export type MachineOptions = Static<typeof MachineOptions>

/** The same as a person gives it: user-data may be the text itself. */
export const AskedOptions = Type.Object(
  {
    ...MachineOptions.properties,
    userData: Type.Optional(
      Type.String({ minLength: 1, maxLength: 65_536, description: "cloud-init's, or secret:, file:, env: of re-core" }),
    ),
  },
  { additionalProperties: false },
)

/** What a person asks for. Everything but the name has a default. */
export const SystemSpec = Type.Object(
  {
    name: Name,
    provider: ProviderKind,
    account: Name,
    region: RegionName,
    type: Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$', description: 'named role, for example `web`' }),
    size: Type.String({ maxLength: 64 }),
    image: Type.String({ maxLength: 128 }),
    labels: Labels,
    readiness: Readiness,
    protected: Type.Boolean({ description: 'destroy is refused while set' }),
    options: MachineOptions,
  },
  { additionalProperties: false },
)
export type SystemSpec = Static<typeof SystemSpec>

/** Body of `POST /v1/systems`. With `count`, `name` is a stem and the systems are `name-1..count`. */
export const CreateSystems = Type.Object(
  {
    name: Name,
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 200 })),
    provider: Type.Optional(ProviderKind),
    account: Type.Optional(Name),
    region: Type.Optional(RegionName),
    type: Type.Optional(SystemSpec.properties.type),
    presets: Type.Optional(
      Type.Array(Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' }), { maxItems: 16, uniqueItems: true }),
    ),
    size: Type.Optional(SystemSpec.properties.size),
    image: Type.Optional(SystemSpec.properties.image),
    labels: Type.Optional(Labels),
    readiness: Type.Optional(Readiness),
    protected: Type.Optional(Type.Boolean()),
    options: Type.Optional(AskedOptions),
    lease: Type.Optional(AskLease),
    policy: Type.Optional(AskPolicy),
  },
  { additionalProperties: false },
)
export type CreateSystems = Static<typeof CreateSystems>

export const DesiredPower = Type.Enum(['running', 'stopped', 'absent'])
export type DesiredPower = Static<typeof DesiredPower>

/** One of a machine's addresses, and who told it. */
export const SystemAddress = Type.Object({
  address: IpAddress,
  scope: Type.Enum(['public', 'private', 'inside'], {
    description: 'inside: known to the machine alone, whose network lets nobody in',
  }),
  from: Type.Enum(['provider', 'agent']),
})
export type SystemAddress = Static<typeof SystemAddress>

/** The desired record of a machine, and what its provider last said of it. */
export const System = Type.Object({
  id: Id,
  name: Name,
  provider: ProviderKind,
  account: Type.String(),
  region: Type.String(),
  type: Type.String(),
  size: Type.String(),
  image: Type.String(),
  labels: Labels,
  readiness: Readiness,
  protected: Type.Boolean(),
  options: MachineOptions,
  lease: Type.Union([Lease, Type.Null()]),
  origin: Type.Enum(['created', 'imported'], { description: 'imported: it was there before us' }),
  policy: Policy,
  drift: Type.Array(Drift, { description: 'what is not as it is wanted' }),
  generation: Type.Integer(),
  desired: DesiredPower,
  observed: Type.Union([Type.String(), Type.Null()], { description: "the provider's word for the instance's power" }),
  phase: Phase,
  phases: Type.Array(PhaseSpan),
  reason: Type.Union([Type.String(), Type.Null()], { description: 'why it waits or failed' }),
  ref: Type.Union([Type.String(), Type.Null()], { description: "the provider's id of the instance" }),
  host: Type.Union([Id, Type.Null()], { description: 'the host at re-mote that answers for it' }),
  address: Type.Union([IpAddress, Type.Null()], { description: 'the one to reach it by; null while none is known' }),
  addresses: Type.Array(SystemAddress, { description: "the provider's, then those that its agent has seen" }),
  createdAt: Type.String({ format: 'date-time' }),
  createdBy: Type.Union([Type.String(), Type.Null()], { description: 'whose quota it counts in' }),
  readyAfterMs: Type.Union([Type.Integer(), Type.Null()]),
})
export type System = Static<typeof System>

import { Type, type Static } from 'typebox'
import { AskPolicy, Managed } from './drift.ts'
import { Id } from './ids.ts'
import { AskLease } from './lease.ts'
import { Labels, Name, RegionName } from './names.ts'
import { ProviderKind } from './system.ts'

/**
 * `free`: nobody's; `unknown`: it carries our mark and no system of ours is known (a lost database); `foreign`: another
 * installation's; `stray`: of a system that has ended, which re-core ends by itself.
 */
export const UnmanagedState = Type.Enum(['free', 'unknown', 'foreign', 'stray'])
export type UnmanagedState = Static<typeof UnmanagedState>

/** A machine of an account that belongs to no system. */
export const Unmanaged = Type.Object({
  provider: ProviderKind,
  account: Type.String(),
  region: Type.String(),
  ref: Type.String({ description: "the provider's id of the instance" }),
  name: Type.Union([Type.String(), Type.Null()]),
  power: Type.String(),
  size: Type.String(),
  image: Type.Union([Type.String(), Type.Null()]),
  addresses: Type.Array(Type.String()),
  createdAt: Type.String({ format: 'date-time' }),
  tags: Type.Record(Type.String(), Type.String()),
  state: UnmanagedState,
  installation: Type.Union([Id, Type.Null()], { description: 'of re-core, whose mark it carries' }),
  importable: Type.Boolean({ description: '`free` and `unknown` ones are' }),
})
export type Unmanaged = Static<typeof Unmanaged>

/** Body of `POST /v1/systems/import`: takes hold of a machine that is there. */
export const ImportSystem = Type.Object(
  {
    account: Name,
    region: Type.Optional(RegionName),
    ref: Type.String({ minLength: 1, maxLength: 128, pattern: '^[\\x21-\\x7e]+$', examples: ['i-0123456789abcdef0'] }),
    name: Name,
    type: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9-]{0,62}$' })),
    managed: Type.Optional(Managed),
    labels: Type.Optional(Labels),
    policy: Type.Optional(AskPolicy),
    lease: Type.Optional(AskLease),
  },
  { additionalProperties: false },
)
export type ImportSystem = Static<typeof ImportSystem>

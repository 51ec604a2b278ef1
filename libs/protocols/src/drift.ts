import { Type, type Static } from 'typebox'

/** How far re-core may go with a machine: `observe` does nothing to it but mark whose it is. */
export const Managed = Type.Enum(['observe', 'full'])
export type Managed = Static<typeof Managed>

/** What may be put right by itself when it is seen to differ from what is wanted. */
export const fixes = ['power', 'labels', 'protection'] as const
export const Fix = Type.Enum(fixes)
export type Fix = Static<typeof Fix>

/** When a machine that is wanted is gone: tell, make the next one (bought on demand, if it was a spot one), or end the system. */
export const lostPolicies = ['alert', 'recreate', 'recreate-on-demand', 'forget'] as const
export const OnLost = Type.Enum(lostPolicies)
export type OnLost = Static<typeof OnLost>

const Fixes = Type.Array(Fix, {
  uniqueItems: true,
  maxItems: fixes.length,
  description: 'what is put right by itself; the size never is, since that stops the machine',
})

/** What is done by itself about a machine that is not as it is wanted. */
export const Policy = Type.Object({ managed: Managed, fixes: Fixes, onLost: OnLost })
export type Policy = Static<typeof Policy>

/** The same as a create takes it. Default: power, and alert. */
export const AskPolicy = Type.Object(
  { fixes: Type.Optional(Fixes), onLost: Type.Optional(OnLost) },
  { additionalProperties: false, minProperties: 1 },
)
export type AskPolicy = Static<typeof AskPolicy>

/** The same of a system that is there; what is not given stays. */
export const ChangePolicy = Type.Object(
  { managed: Type.Optional(Managed), ...AskPolicy.properties },
  { additionalProperties: false, minProperties: 1 },
)
export type ChangePolicy = Static<typeof ChangePolicy>

/** One thing that is not as it is wanted. */
export const Drift = Type.Object({
  field: Type.Enum(['presence', 'power', 'size', 'labels', 'protection']),
  wanted: Type.Unknown(),
  observed: Type.Unknown(),
  fixed: Type.Boolean({ description: 'it is put right by itself' }),
})
export type Drift = Static<typeof Drift>

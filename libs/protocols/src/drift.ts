import { Type, type Static } from 'typebox'

/** How far re-core may go with a machine: `observe` does nothing to it. */
export const Managed = Type.Enum(['observe', 'full'])
export type Managed = Static<typeof Managed>

/** What may be put right by itself when it is seen to differ from what is wanted. */
export const fixes = ['power', 'labels', 'protection'] as const
export const Fix = Type.Enum(fixes)
export type Fix = Static<typeof Fix>

/** When a machine that is wanted is gone: tell, make the next one, or end the system. */
export const OnLost = Type.Enum(['alert', 'recreate', 'forget'])
export type OnLost = Static<typeof OnLost>

/** One thing that is not as it is wanted. */
export const Drift = Type.Object({
  field: Type.Enum(['power', 'size', 'labels', 'protection', 'expiry', 'presence']),
  wanted: Type.Unknown(),
  seen: Type.Unknown(),
  /** Whether it is put right by itself. */
  fixed: Type.Boolean(),
})
export type Drift = Static<typeof Drift>

import { Type, type Static } from 'typebox'

/** What a token may do. `admin` includes all; a `:write` scope includes its `:read`. */
export const scopes = [
  'admin',
  'hosts:read',
  'hosts:write',
  'runs:read',
  'runs:write',
  'code:push',
  'enrolments:write',
  'secrets:write',
  'systems:read',
  'systems:write',
  'tokens:write',
] as const
export const Scope = Type.Enum(scopes)
export type Scope = Static<typeof Scope>

/** Whether a holder of `held` may do what `needed` names. */
export const allows = (held: readonly string[], needed: Scope): boolean =>
  held.includes('admin') ||
  held.includes(needed) ||
  (needed.endsWith(':read') && held.includes(needed.replace(/:read$/, ':write')))

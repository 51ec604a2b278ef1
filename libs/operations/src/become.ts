import { Type } from '@re-ops/pipelines'
import type { Become as Account } from '@re-ops/protocols'

export const Become = Type.Object(
  { user: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_.-]{0,31}$', examples: ['root'] }) },
  { additionalProperties: false, description: 'run as this user, by sudo without a password' },
)

/** Spread into an input that may need another user's rights. */
export const becomeInput = { become: Type.Optional(Become) }

/** Spread into a shell form beside it. */
export const becomes = { become: (input: { become?: Account }): Account | undefined => input.become }

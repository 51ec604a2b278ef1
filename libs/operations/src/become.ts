import { Type } from '@re-ops/pipelines'
import type { Become } from '@re-ops/protocols'

/** Spread into an input that may need another user's rights. */
export const becomeInput = {
  become: Type.Optional(
    Type.Object(
      { user: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_.-]{0,31}$', examples: ['root'] }) },
      { additionalProperties: false, description: 'run as this user, by sudo without a password' },
    ),
  ),
}

/** Spread into a shell form beside it. */
export const becomes = { become: (input: { become?: Become }): Become | undefined => input.become }

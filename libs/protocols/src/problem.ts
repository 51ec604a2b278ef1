import { Type, type Static } from 'typebox'

/** RFC 9457 problem details; every error of every HTTP API has this shape. */
export const Problem = Type.Object({
  type: Type.String({ description: 'stable name of the kind of problem, for example `about:blank#invalid-body`' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String({ description: 'one line: what was wrong, where, what is allowed' }),
  instance: Type.Optional(Type.String({ description: 'request id' })),
  errors: Type.Optional(
    Type.Array(Type.Object({ path: Type.String(), message: Type.String() }), { description: 'schema paths' }),
  ),
})
export type Problem = Static<typeof Problem>

import { Type, type Static } from 'typebox'

/** Whom a token names; `*`: everybody who has no quota of their own, each for themselves. */
export const QuotaSubject = Type.String({ minLength: 1, maxLength: 128, examples: ['ci', '*'] })

/** Body of `PUT /v1/quotas/:subject`. */
export const PutQuota = Type.Object(
  {
    maxSystems: Type.Integer({
      minimum: 0,
      maximum: 10_000,
      description: 'systems it asked for that are not gone, at most',
    }),
  },
  { additionalProperties: false },
)
export type PutQuota = Static<typeof PutQuota>

/** How many systems a token's subject may have. */
export const SystemQuota = Type.Object({
  subject: QuotaSubject,
  maxSystems: Type.Union([Type.Integer(), Type.Null()], { description: 'null: as many as accounts allow' }),
  used: Type.Integer({ description: 'systems it asked for that are not gone' }),
})
export type SystemQuota = Static<typeof SystemQuota>

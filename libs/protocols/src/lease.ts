import { Type, type Static } from 'typebox'

const hourMs = 3_600_000
/** Shortest and longest lease, in ms; a life may be longer than any one lease of it. */
export const leaseLimits = { msMin: 60_000, msMax: 31 * 24 * hourMs, lifeMsMax: 366 * 24 * hourMs } as const

export const LeaseEnd = Type.Enum(['destroy', 'stop'], { description: 'what happens when it ends' })
export type LeaseEnd = Static<typeof LeaseEnd>

const ms = (maximum: number, description: string) =>
  Type.Integer({ minimum: leaseLimits.msMin, maximum, description, examples: [2 * hourMs] })

/** A lease as it is asked for at a create. */
export const AskLease = Type.Object(
  {
    forMs: Type.Optional(ms(leaseLimits.msMax, 'ms from now; default: all of its life')),
    maxLifeMs: Type.Optional(ms(leaseLimits.lifeMsMax, 'ms from its creation, beyond which no renewal goes')),
    onEnd: Type.Optional(LeaseEnd),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type AskLease = Static<typeof AskLease>

/** Body of `POST /v1/systems/:id/lease`. Without `forMs` it is renewed for as long as the last time. */
export const RenewLease = Type.Object(
  { forMs: Type.Optional(ms(leaseLimits.msMax, 'ms from now')), onEnd: Type.Optional(LeaseEnd) },
  { additionalProperties: false },
)
export type RenewLease = Static<typeof RenewLease>

/** `soon`: it was warned of; `kept`: it is over, and the machine is protected or not ours to end; `frozen`: its account is. */
export const LeaseNote = Type.Enum(['soon', 'kept', 'frozen'])
export type LeaseNote = Static<typeof LeaseNote>

/** How long a system is wanted, and by whom. */
export const Lease = Type.Object({
  expiresAt: Type.String({ format: 'date-time' }),
  maxAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description: 'no renewal goes beyond it' }),
  forMs: Type.Integer({ description: 'how long it was last asked for' }),
  onEnd: LeaseEnd,
  by: Type.String({ description: 'who asked last' }),
  told: Type.Boolean({ description: 'the machine carries it too, so it outlives our database' }),
  note: Type.Union([LeaseNote, Type.Null()]),
})
export type Lease = Static<typeof Lease>

import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'
import { PhaseSpan } from './system.ts'

export const Verb = Type.Enum(['create', 'start', 'stop', 'protect', 'unprotect', 'reload', 'destroy'])
export type Verb = Static<typeof Verb>

export const JobState = Type.Enum(['queued', 'running', 'waiting', 'done', 'failed', 'cancelled'])
export type JobState = Static<typeof JobState>

/** One verb asked of one system. pg-boss messages only wake it and are never shown. */
export const Job = Type.Object({
  id: Id,
  system: Id,
  name: Type.String({ description: "the system's name" }),
  verb: Verb,
  state: JobState,
  error: Type.Union([Type.String(), Type.Null()]),
  phases: Type.Array(PhaseSpan),
  createdAt: Type.String({ format: 'date-time' }),
  finishedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
})
export type Job = Static<typeof Job>

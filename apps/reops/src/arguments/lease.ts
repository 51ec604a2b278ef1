import type { AskLease } from '@re-ops/protocols'
import { durationMs } from './duration.ts'

export type LeaseOptions = { readonly lease?: string; readonly maxLife?: string; readonly onEnd?: string }

// The limits of @re-ops/protocols, whose schemas take too long to load here; a test compares them.
export const leaseMs = { min: 60_000, max: 2_678_400_000 }
export const lifeMs = { min: 60_000, max: 31_622_400_000 }

/** The lease that is asked for; absent when nothing of it was given. */
export const leaseOf = ({ lease, maxLife, onEnd }: LeaseOptions): AskLease | undefined =>
  lease === undefined && maxLife === undefined && onEnd === undefined
    ? undefined
    : {
        ...(lease === undefined ? {} : { forMs: durationMs(lease, '--lease', leaseMs) }),
        ...(maxLife === undefined ? {} : { maxLifeMs: durationMs(maxLife, '--max-life', lifeMs) }),
        ...(onEnd === undefined ? {} : { onEnd: onEnd as NonNullable<AskLease['onEnd']> }),
      }

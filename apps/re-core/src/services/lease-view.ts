import type { Lease } from '@re-ops/protocols'
import type { SystemRow } from '../store/row.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

export const leaseView = (row: SystemRow): Lease | null =>
  row.leaseExpiresAt === null
    ? null
    : {
        expiresAt: iso(row.leaseExpiresAt),
        maxAt: row.leaseMaxAt === null ? null : iso(row.leaseMaxAt),
        forMs: row.leaseMs ?? 0,
        onEnd: row.leaseOnEnd,
        by: row.leaseBy ?? '',
        told: row.leaseThere === row.leaseExpiresAt,
        note: row.leaseNote,
      }

const reasons = {
  soon: (at: string) => `its lease ends at ${at}`,
  kept: (at: string) => `its lease ended at ${at}; it is kept, since it is protected or only observed`,
  frozen: (at: string) => `its lease ended at ${at}; its account is frozen: reops accounts says why`,
} as const

/** What a system says that has nothing else to say. */
export const leaseReason = ({ leaseNote, leaseExpiresAt, desired }: SystemRow): string | null =>
  leaseNote === null || leaseExpiresAt === null || desired === 'absent' ? null : reasons[leaseNote](iso(leaseExpiresAt))

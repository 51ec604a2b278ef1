/** Why a message or a connection was dropped. */
export type DropReason =
  | 'malformed'
  | 'no-session'
  | 'wrong-token'
  | 'too-many-messages'
  | 'too-many-hellos'
  | 'too-many-pulls'
  | 'not-opened'
  | 'handshake-rate'
  | 'open-files'
  | 'stale-allow-list'
  | 'unknown-key'
  | 'quarantined-key'
  | 'revoked-key'
  | 'bad-proof'
  | 'frames'

export type Drops = { count(reason: DropReason): void; take(): Record<string, number> }

export const makeDrops = (): Drops => {
  let counts: Record<string, number> = {}
  return {
    count: reason => {
      counts[reason] = (counts[reason] ?? 0) + 1
    },
    take: () => {
      const taken = counts
      counts = {}
      return taken
    },
  }
}

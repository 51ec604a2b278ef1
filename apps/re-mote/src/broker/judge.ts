import type { AllowList } from './allow-list.ts'
import { makeBucket } from './bucket.ts'
import type { Drops } from './counters.ts'
import { brokerLimits } from './limits.ts'
import { openFiles, openFilesMax } from './open-files.ts'
import type { Shakes } from './shakes.ts'
import type { Verdict } from './authenticator.ts'

export type JudgeDeps = {
  readonly allowList: AllowList
  readonly drops: Drops
  readonly shakes: Shakes
  lookup(key: string): void
}
export type Judge = { judge(key: string): Verdict; readonly openFiles: number; sample(): void }

/** Decides over each handshake: who is refused is counted by reason, who is let in is noted first. */
export const makeJudge = ({ allowList, drops, shakes, lookup }: JudgeDeps): Judge => {
  const admission = makeBucket(brokerLimits.handshakesPerSecondMax, brokerLimits.handshakesBurstMax)
  const lookups = makeBucket(brokerLimits.lookupsPerSecondMax, brokerLimits.lookupsPerSecondMax)
  const filesMax = openFilesMax() * brokerLimits.openFilesShareMax
  let files = openFiles()
  const later = (reason: Parameters<Drops['count']>[0]): Verdict => {
    drops.count(reason)
    return 'later'
  }
  return {
    judge: key => {
      const entry = allowList.byKey(key)
      if (!entry) {
        if (lookups.take()) lookup(key)
        return later('unknown-key')
      }
      if (entry.state === 'revoked') {
        drops.count('revoked-key')
        return 'revoked'
      }
      if (entry.state === 'quarantined') return later('quarantined-key')
      if (allowList.isStale()) return later('stale-allow-list')
      if (files >= filesMax) return later('open-files')
      if (!admission.take()) return later('handshake-rate')
      files += 1
      shakes.note(key)
      return 'allowed'
    },
    get openFiles() {
      return files
    },
    sample: () => {
      files = openFiles()
    },
  }
}

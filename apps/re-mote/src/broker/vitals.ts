import { monitorEventLoopDelay } from 'node:perf_hooks'
import { wireLimits } from '@re-ops/protocols'
import type { Router } from 'zeromq'
import { makeSlept } from '../slept.ts'
import type { Conversation } from './conversation.ts'
import type { Drops } from './counters.ts'
import type { Hellos } from './hello.ts'
import type { Judge } from './judge.ts'
import type { Outbox } from './outbox.ts'
import type { BrokerSays } from './port.ts'
import type { Sessions } from './sessions.ts'
import type { Writer } from './writer.ts'

const tickMs = 250
const statsMs = 1_000
const probeDelayMs = 100

export type VitalsDeps = {
  readonly sessions: Sessions
  readonly conversation: Conversation
  readonly hellos: Hellos
  readonly judge: Judge
  readonly writer: Writer
  readonly drops: Drops
  readonly outbox: Outbox<BrokerSays>
}

/** Heartbeats out, silence noticed, hellos that never came forgotten, and the broker's own numbers told. */
export const startVitals = (deps: VitalsDeps): void => {
  const { sessions, conversation, hellos } = deps
  const silentMs = wireLimits.heartbeatMs * wireLimits.heartbeatsMissedMax
  const sleptUntil = makeSlept(tickMs, performance.now())
  setInterval(() => {
    hellos.sweep()
    const now = performance.now()
    const slept = sleptUntil(now)
    for (const session of sessions.byAgent.values()) {
      session.heardAt += slept
      if (now - session.heardAt > silentMs) conversation.endSession(session, 'silent', true)
      else if (now - session.beatAt >= wireLimits.heartbeatMs) conversation.beat(session)
    }
  }, tickMs)
  startReports(deps)
}

const startReports = ({ sessions, judge, writer, drops, outbox }: VitalsDeps): void => {
  const resolutionMs = 10
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  setInterval(() => {
    judge.sample()
    outbox.say({
      kind: 'stats',
      sessions: sessions.byAgent.size,
      pendingHellos: sessions.pending.size,
      queued: writer.length,
      outbox: outbox.length,
      openFiles: judge.openFiles,
      loopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - resolutionMs),
      drops: drops.take(),
    })
    delay.reset()
  }, statsMs)
}

/**
 * ZeroMQ tells that some connection ended, not which. So a disconnect makes us say a heartbeat to all: who is gone answers EHOSTUNREACH,
 * and a killed agent shows as offline at once. Spaced so that a storm of disconnects costs little.
 */
export const watchDisconnects = (
  router: Router,
  { sessions, conversation }: Pick<VitalsDeps, 'sessions' | 'conversation'>,
): void => {
  let due: NodeJS.Timeout | undefined
  router.events.on('disconnect', () => {
    due ??= setTimeout(() => {
      due = undefined
      for (const session of sessions.byAgent.values()) conversation.beat(session)
    }, probeDelayMs + sessions.byAgent.size)
  })
}

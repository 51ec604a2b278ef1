import { setTimeout as wait } from 'node:timers/promises'
import { livingParts, type Part, type PartKind } from './parts.ts'
import type { Random } from './random.ts'

export type Kill = {
  at: number
  part: Part
  /** Work that this part was doing for someone when it died. */
  inFlight: boolean
}

export const partKinds: readonly PartKind[] = ['postgres', 're-mote', 'broker', 're-core', 'agent']
const partWaitMs = 30_000
const hurriedPauseMs = [30, 400] as const
const aimedPauseMs = [150, 400] as const
const pollMs = 50

/**
 * Kills (-9) `count` parts, at random moments. A part that is still down from its last death is waited for: a kill
 * that hits nothing is not a kill.
 */
export const killAtRandom = async (deps: {
  state: string
  random: Random
  count: number
  kinds: readonly PartKind[]
  /** Of the kills that hit while the part killed before is still coming back: a crash during recovery is the harder one. */
  hurriedShare: number
  /** The kinds one after the other, in a hurry, then a pause: what a seeded bug in one of them needs to show. */
  aimed: boolean
  pauseMs: readonly [number, number]
  hosts: readonly string[]
  isBusy(part: Part): boolean
  /** Waits for a moment when a kill of that kind hurts; gives up soon. */
  moment(kind: PartKind): Promise<void>
  say(line: string): void
}): Promise<Kill[]> => {
  const { state, random, count, kinds, hurriedShare, aimed, pauseMs, hosts, isBusy, moment, say } = deps
  const kills: Kill[] = []
  const victims = (kind: PartKind) =>
    livingParts(state).filter(part => part.kind === kind && (kind !== 'agent' || hosts.includes(part.host ?? '')))
  while (kills.length < count) {
    const [kind, hurried] = aimed
      ? [kinds[kills.length % kinds.length] as PartKind, kills.length % kinds.length > 0]
      : [random.pick(kinds), random.next() < hurriedShare]
    await wait(random.between(...(hurried ? (aimed ? aimedPauseMs : hurriedPauseMs) : pauseMs)))
    await moment(kind)
    const until = performance.now() + partWaitMs
    while (victims(kind).length === 0 && performance.now() < until) await wait(pollMs)
    const candidates = victims(kind)
    if (candidates.length === 0) throw new Error(`${kind} did not come back within ${partWaitMs / 1000} s`)
    const part = random.pick(candidates)
    const inFlight = isBusy(part)
    process.kill(part.pid, 'SIGKILL')
    kills.push({ at: Date.now(), part, inFlight })
    say(`kill ${kills.length}/${count}: ${part.kind}${part.host ? ` of ${part.host}` : ''}${inFlight ? '' : ' (idle)'}`)
  }
  return kills
}

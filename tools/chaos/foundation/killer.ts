import { setTimeout as wait } from 'node:timers/promises'
import type { Awake } from './awake.ts'
import { takeAim, type Aim } from './aims.ts'
import { livingParts, type Part, type PartKind } from './parts.ts'
import type { Random } from './random.ts'

export type Kill = {
  at: number
  part: Part
  /** Work that this part was doing for someone when it died. */
  inFlight: boolean
  /** The moment it was aimed at and hit. */
  aim: Aim | null
}

export const partKinds: readonly PartKind[] = ['postgres', 're-mote', 'broker', 're-core', 'agent']
const partWaitMs = 30_000
const aimWaitMs = 60_000
const hurriedPauseMs = [30, 400] as const
const pollMs = 50

export type KillerDeps = {
  readonly state: string
  readonly random: Random
  readonly awake: Awake
  readonly count: number
  /** Which parts are killed at random moments. */
  readonly kinds: readonly PartKind[]
  /** Moments to aim at, in turn. */
  readonly aims: readonly Aim[]
  /** Of the kills, those that are aimed; spread over all of them. */
  readonly aimedShare: number
  /** Of the others, those that hit while the part killed before is still coming back: a crash during recovery is the harder one. */
  readonly hurriedShare: number
  readonly pauseMs: readonly [number, number]
  readonly hosts: readonly string[]
  isBusy(part: Part): boolean
  /** Waits for a moment when a random kill of that kind hurts; gives up soon. */
  moment(kind: PartKind): Promise<void>
  say(line: string): void
}

/** How many of the first `n` kills are aimed. */
const aimedOf = (n: number, share: number) => Math.round(n * share)

/**
 * Kills (-9) `count` parts, some at random moments, some at moments that are held open or waited for. A part that is
 * still down from its last death is waited for: a kill that hits nothing is not a kill.
 */
export const killParts = async (deps: KillerDeps): Promise<Kill[]> => {
  const { count, aims, aimedShare, isBusy, say } = deps
  const kills: Kill[] = []
  let turn = 0
  while (kills.length < count) {
    const isAimed = aimedOf(kills.length + 1, aimedShare) > aimedOf(kills.length, aimedShare) && aims.length > 0
    const aim = isAimed ? (aims[turn++ % aims.length] as Aim) : null
    const hit = aim ? await aimed(deps, aim) : null
    const part = hit ?? (await atRandom(deps, aim?.kind))
    const inFlight = hit !== null || isBusy(part)
    process.kill(part.pid, 'SIGKILL')
    kills.push({ at: Date.now(), part, inFlight, aim: hit && aim })
    const where = hit && aim ? ` at ${aim.at}` : aim ? ` (no ${aim.at})` : inFlight ? '' : ' (idle)'
    say(`kill ${kills.length}/${count}: ${part.kind}${part.host ? ` of ${part.host}` : ''}${where}`)
  }
  return kills
}

const aimed = async ({ state, random, hosts, awake }: KillerDeps, aim: Aim): Promise<Part | null> => {
  await wait(random.between(...hurriedPauseMs))
  return takeAim({ state, random, hosts, awake }, aim, aimWaitMs)
}

const atRandom = async (deps: KillerDeps, given: PartKind | undefined): Promise<Part> => {
  const { state, random, awake, kinds, hurriedShare, pauseMs, hosts, moment } = deps
  const kind = given ?? random.pick(kinds)
  const hurried = random.next() < hurriedShare
  const victims = () =>
    livingParts(state).filter(part => part.kind === kind && (kind !== 'agent' || hosts.includes(part.host ?? '')))
  await wait(random.between(...(hurried ? hurriedPauseMs : pauseMs)))
  await moment(kind)
  const until = awake.now() + partWaitMs
  while (victims().length === 0 && awake.now() < until) await wait(pollMs)
  const candidates = victims()
  if (candidates.length === 0) throw new Error(`${kind} did not come back within ${partWaitMs / 1000} s`)
  return random.pick(candidates)
}

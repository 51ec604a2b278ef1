import { setTimeout as wait } from 'node:timers/promises'
import { takeAim } from '../foundation/aims.ts'
import type { Awake } from '../foundation/awake.ts'
import type { Random } from '../foundation/random.ts'
import type { Progress } from './load.ts'
import type { BlowName, Plan } from './plan.ts'
import type { Rig } from './rig.ts'

export type Blows = {
  readonly byKind: () => Readonly<Record<string, number>>
  /** Services that were killed while a commit of results was held open. */
  readonly aimed: () => number
  /** Those that fell while runs were under way. */
  readonly inFlight: () => number
  finished(): Promise<void>
}
export type BlowDeps = {
  readonly plan: Plan
  readonly rig: Rig
  readonly random: Random
  readonly awake: Awake
  readonly progress: Progress
  say(line: string): void
}

const windowWithinMs = 20_000
const partWithinMs = 60_000
const pollMs = 20
/** Longer than a lease, and than it takes others to look for runs that nobody drives. */
const outageMs = 18_000
/** Of the agents that one blow hits. */
const shares = { crash: [5, 30], cut: [5, 30], 'half-open': [2, 6] } as const

/** Every kind comes, in an order of chance. */
const orderOf = ({ blows, blowKinds }: Plan, random: Random): BlowName[] => {
  const all = Array.from({ length: blows }, (_, n) => blowKinds[n % blowKinds.length] as BlowName)
  return random.some(all, all.length)
}

/** One blow after the other; what is killed comes back by itself, and may be hit again before it has. */
export const startBlows = (deps: BlowDeps): Blows => {
  const { plan, rig, random, awake, progress, say } = deps
  const { motes, fleet } = rig
  const byKind: Record<string, number> = {}
  let [aimed, inFlight] = [0, 0]
  const up = async (pidOf: () => number | null): Promise<number> => {
    for (const until = awake.now() + partWithinMs; awake.now() < until; await wait(pollMs)) {
      const pid = pidOf()
      if (pid !== null) return pid
    }
    throw new Error(`a service or broker did not come back within ${partWithinMs / 1_000} s`)
  }
  /** While results wait for their commit, as far as there are any. */
  const killService = async (): Promise<string> => {
    const mote = random.pick(motes)
    const moment = { state: mote.state, hosts: [], random, awake }
    const part = await takeAim(moment, { kind: 're-mote', at: 'commit' }, windowWithinMs)
    process.kill(part?.pid ?? (await up(() => rig.servicePid(mote))), 'SIGKILL')
    aimed += part ? 1 : 0
    return part ? 'at commit' : 'at rest'
  }
  const strike = async (kind: BlowName): Promise<string> => {
    if (kind === 'service') return killService()
    if (kind === 'outage') {
      const mote = random.pick(motes)
      const pid = await up(() => rig.servicePid(mote))
      rig.awayFor(mote, outageMs)
      process.kill(pid, 'SIGKILL')
      return `of ${outageMs / 1_000} s`
    }
    if (kind === 'broker') {
      const mote = random.pick(motes)
      process.kill(await up(() => rig.brokerPid(mote)), 'SIGKILL')
      return ''
    }
    if (kind === 'process') {
      const which = random.between(0, plan.processes - 1)
      await fleet.kill(which)
      return `${which}`
    }
    const [least, most] = shares[kind]
    const share = random.between(least, most) / 100
    return `${await fleet.strike(share, kind)} agents`
  }
  const all = async (): Promise<void> => {
    for (const kind of orderOf(plan, random)) {
      // After a run has begun, so that it has something to hit.
      const due = Math.min(plan.runs, Math.floor((progress.blows * plan.runs) / plan.blows) + 1)
      while (progress.posted < due) await wait(pollMs)
      await wait(random.between(...plan.pauseMs))
      inFlight += progress.posted > progress.done ? 1 : 0
      const what = await strike(kind)
      byKind[kind] = (byKind[kind] ?? 0) + 1
      progress.blows += 1
      say(`${progress.blows}/${plan.blows}: ${kind} ${what}`.trimEnd())
    }
  }
  const blows = all()
  blows.catch(() => (progress.blows = plan.blows)) // told by who waits for the end; runs do not wait any more
  return {
    byKind: () => byKind,
    aimed: () => aimed,
    inFlight: () => inFlight,
    finished: () => blows,
  }
}

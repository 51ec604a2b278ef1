import { setTimeout as wait } from 'node:timers/promises'
import {
  AgentExit,
  askHere,
  dial,
  readConfig,
  runAgent,
  type Catalogue,
  type Dial,
  type JournalRecord,
  type Log,
} from '@re-ops/re-gent/embedded'
import type { Frame } from '@re-ops/protocols'
import type { Random } from '../chaos/foundation/random.ts'
import { makeFaultyLink, type FaultyLink } from './faulty-wire.ts'
import type { FaultName } from './faults.ts'
import type { Begin, Blow, Member } from './orders.ts'

export type SimulatedAgent = {
  readonly name: string
  shares: FaultyLink['shares']
  strike(blow: Blow): void
  /** Resolves when the agent has ended. */
  readonly ended: Promise<void>
}
export type SimulatedAgentDeps = {
  readonly begin: Begin
  readonly catalogue: Catalogue
  readonly log: Log
  readonly random: Random
  readonly stop: AbortSignal
  /** Lets few agents start at a time: the first connection gives the turn back. */
  turn(): Promise<() => void>
  readonly onLife: () => void
  readonly onSession: (live: boolean) => void
  readonly onRecord: (kind: JournalRecord['t']) => void
  readonly onSaid: (message: Frame) => void
  readonly onHeard: (message: Frame) => void
  readonly onFault: (fault: FaultName) => void
  readonly onEnd: (why: string) => void
}

const againMs = 20

/** The agent's own environment as it would be on a host of its own. */
const configOf = ({ url, token, labels, environment }: Begin, { name, folder }: Member) =>
  readConfig(['--state', folder], {
    REGENT_URL: url,
    REGENT_NAME: name,
    REGENT_INSTANCE: `simulated ${name}`,
    REGENT_LABELS: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
    ...(token === undefined ? {} : { REGENT_TOKEN: token }),
    ...environment,
  })

/** One agent: the real one in all but its process, life after life until it is stopped or ends by itself. */
export const startSimulatedAgent = (deps: SimulatedAgentDeps, member: Member): SimulatedAgent => {
  const { catalogue, stop } = deps
  const { random, onSaid, onHeard } = deps
  const link = makeFaultyLink({ dial, random, count: deps.onFault, onSaid, onHeard })
  const config = configOf(deps.begin, member)
  let death = new AbortController()
  const live = async (): Promise<void> => {
    death = new AbortController()
    const done = await deps.turn()
    const firstDial: Dial = (...to) => {
      done()
      return link.dial(...to)
    }
    const { onSession } = deps
    const onRecord = ({ t }: JournalRecord) => deps.onRecord(t)
    const log = untilDeath(deps.log, death.signal)
    deps.onLife()
    try {
      await runAgent(
        {
          config,
          catalogue,
          log,
          ask: askHere,
          embedding: { dial: firstDial, onSession, onRecord, death: death.signal },
        },
        stop,
      )
    } finally {
      done()
    }
  }
  const lives = async (): Promise<void> => {
    do {
      try {
        await live()
      } catch (error) {
        if (!death.signal.aborted) return deps.onEnd(whyOf(error))
      }
      if (death.signal.aborted) await wait(againMs)
    } while (death.signal.aborted && !stop.aborted)
  }
  return {
    name: member.name,
    shares: link.shares,
    strike: blow => {
      if (blow === 'cut') link.cut()
      else if (blow === 'half-open') link.halfOpen()
      else {
        link.die() // first the wire, so that nobody hears of what does not reach the disk
        death.abort()
      }
    },
    ended: lives(),
  }
}

/** The dead do not complain that their files are closed. */
const untilDeath = (log: Log, death: AbortSignal): Log => {
  const level =
    (name: keyof Log): Log['info'] =>
    (message, fields) => {
      if (!death.aborted) log[name](message, fields)
    }
  return { debug: level('debug'), info: level('info'), warn: level('warn'), error: level('error') }
}

const whyOf = (error: unknown): string =>
  error instanceof AgentExit ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBroker, newId, type FromAgent } from '@re-ops/protocols'
import { startCluster as startAgentAlone, type AgentProcess } from '@re-ops/re-gent/testing'
import { until } from '@re-ops/re-mote/testing'
import type { Random } from '../foundation/random.ts'
import { nextMessage } from './wire-attack.ts'

/** What the agents of this run do, whoever asks: a hostile broker, or a hostile body that happens to be a run. */
export const policy = JSON.stringify({
  operations: { allow: ['ping', 'load', 'memory', 'uptime', 'facts'] },
  shell: false,
  modules: 'none',
})

/** A real agent whose broker has gone bad. */
export type AttackedAgent = {
  readonly process: AgentProcess
  /** Sends so many messages, and ends its session a few times; answers how many of them the agent must drop. */
  attack(messages: number, random: Random): Promise<number>
  /** What it says it dropped. */
  dropped(): number
  close(): Promise<void>
}

const endsOfSession = new Set(['session.end', 'hello.refused'])
/** Then the agent is waited for: ZeroMQ would take any number for it. */
const perTurn = 500
const onlineWithinMs = 60_000

export const startAttackedAgent = async (recorded: readonly Buffer[]): Promise<AttackedAgent> => {
  const cluster = await startAgentAlone()
  writeFileSync(join(cluster.folder, 'policy.json'), policy)
  const agent = cluster.start()
  await cluster.online()
  const { broker } = cluster
  const mustDrop = (frames: readonly Buffer[], token: string | undefined): boolean => {
    const message = frames.length === 1 && frames[0] ? fromBroker.decode(frames[0]) : null
    if (message === null || message.kind === 'malformed') return true
    if (message.kind === 'heartbeat' || message.kind.startsWith('hello.')) return false
    return (message.token ?? token) !== token
  }
  const ends = (frames: readonly Buffer[]): boolean => {
    const message = frames.length === 1 && frames[0] ? fromBroker.decode(frames[0]) : null
    return message !== null && endsOfSession.has(message.kind)
  }
  const again = async () => {
    const { sessions } = broker
    await broker.send('session.end', { reason: '\u202ehostile\u0000', retry: true })
    await until('the agent is back', () => broker.sessions > sessions, onlineWithinMs)
  }
  const readByAgent = async () => {
    const id = newId()
    await broker.send('call.ask', { ids: [id] })
    const isAnswer = (one: FromAgent) => one.kind === 'call.report' && one.body.calls[0]?.id === id
    await until('the agent has read it all', () => broker.received.some(isAnswer), onlineWithinMs)
    broker.received.length = 0
    broker.results.clear()
  }
  return {
    process: agent,
    attack: async (messages, random) => {
      let dropped = 0
      for (let sent = 0; sent < messages;) {
        const token = broker.token()
        const frames = nextMessage({ recorded, token, calls: [] }, random)
        if (ends(frames)) continue // the others of this round would go nowhere
        sent += 1
        if (mustDrop(frames, token)) dropped += 1
        await broker.sendRaw(frames)
        if (sent % perTurn === 0) await readByAgent()
      }
      await readByAgent()
      await again()
      return dropped
    },
    dropped: () =>
      agent
        .stderr()
        .split('\n')
        .reduce((sum, line) => sum + Number(/"messagesDropped":(\d+)/.exec(line)?.[1] ?? 0), 0),
    close: cluster.close,
  }
}

import { context } from 'zeromq'
import { startFakeAgent } from './fake-agent.ts'
import type { FleetOrder, FleetWord } from './fleet.ts'

/** Many fake agents in a process of their own. Told over IPC whom to be; ends with its channel. */
const say = (word: FleetWord) => process.send?.(word)
process.on('disconnect', () => process.exit(0))
const live = async ({ endpoint, serverKey, identities }: FleetOrder) => {
  context.blocky = false
  context.maxSockets = Math.min(context.maxSocketsLimit, identities.length * 2 + 100)
  const agents = identities.map(identity =>
    startFakeAgent({
      endpoint,
      serverKey,
      identity,
      helloTimeoutMs: 15_000,
      heartbeatMs: 5_000,
      answer: () => ({ ok: true, value: identity.host }),
    }),
  )
  await Promise.all(agents.map(agent => agent.live()))
  say({ kind: 'live' })
  process.on('message', () => {
    const count = (of: (agent: (typeof agents)[number]) => number) => agents.reduce((sum, agent) => sum + of(agent), 0)
    say({ kind: 'counts', started: count(agent => agent.started.length), settled: count(agent => agent.settled.size) })
  })
}
process.once('message', (order: FleetOrder) => void live(order))

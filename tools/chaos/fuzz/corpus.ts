import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { catalogue, makeLog } from '@re-ops/re-gent/embedded'
import { until } from '@re-ops/re-mote/testing'
import { startSimulatedAgent } from '../../simulator/simulated-agent.ts'
import type { Cluster } from '../../supervisor/cluster.ts'
import type { Random } from '../foundation/random.ts'

/** Messages of a real agent and its broker, as they were said. */
export type Corpus = { readonly fromAgent: readonly Buffer[]; readonly fromBroker: readonly Buffer[] }

const name = 'recorded'
const nothing = () => undefined
const recordWithinMs = 60_000

/** A real agent on a real broker, with what is usual: calls that read, one that takes long and is cancelled, one that is refused. */
export const recordSession = async (cluster: Cluster, folder: string, random: Random): Promise<Corpus> => {
  const { mote } = cluster.client
  const { token } = await mote.createEnrolment({ name, labels: {}, uses: 1, ttlMs: recordWithinMs })
  const said: Buffer[] = []
  const heard: Buffer[] = []
  const stop = new AbortController()
  const state = join(folder, name)
  mkdirSync(state, { recursive: true })
  const begin = { kind: 'begin', url: cluster.moteUrl, token, members: [], labels: {}, operations: [] } as const
  let live = false
  const agent = startSimulatedAgent(
    {
      begin: { ...begin, shares: {}, seed: 0, environment: {} },
      catalogue,
      log: makeLog('fatal'),
      random,
      stop: stop.signal,
      turn: async () => nothing,
      onLife: nothing,
      onSession: now => (live = now),
      onRecord: nothing,
      onSaid: message => said.push(Buffer.from(message)),
      onHeard: message => heard.push(Buffer.from(message)),
      onFault: nothing,
      onEnd: nothing,
    },
    { name, folder: state },
  )
  try {
    await until('the agent whose session is recorded is online', () => live, recordWithinMs)
    const call = (operation: string, input: unknown = {}) => ({ kind: 'call', operation, input })
    for (const operation of ['ping', 'load', 'memory', 'uptime', 'facts'])
      await mote.createRun({ on: name, pipeline: call(operation) }, { waitMs: recordWithinMs })
    const slow = await mote.createRun({ on: name, pipeline: call('shell', { argv: ['sleep', '60'] }) })
    await until('a call runs', () => said.some(one => one.includes('"call.acked"')), recordWithinMs)
    await mote.cancelRun(slow.id)
    await mote.createRun(
      { on: name, pipeline: call('shell', { argv: ['/no/such/program'] }) },
      { waitMs: recordWithinMs },
    )
  } finally {
    stop.abort()
    await agent.ended
  }
  return { fromAgent: said, fromBroker: heard }
}

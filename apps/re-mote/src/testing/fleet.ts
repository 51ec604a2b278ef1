import { fork, type ChildProcess } from 'node:child_process'
import { createRequire } from 'node:module'
import type { FakeIdentity } from './fake-agent.ts'

export type FleetOrder = {
  readonly endpoint: string
  readonly serverKey: string
  readonly identities: readonly FakeIdentity[]
}
export type FleetWord =
  { readonly kind: 'live' } | { readonly kind: 'counts'; readonly started: number; readonly settled: number }
export type Fleet = {
  /** Calls that were started and results that were settled, all agents together. */
  counts(): Promise<{ started: number; settled: number }>
  stop(): void
}

/** Many fake agents in few processes; resolves when all have a session. Each answers a call with its host id. */
export const startFleet = async (order: FleetOrder, { processes = 2 } = {}): Promise<Fleet> => {
  const program = createRequire(import.meta.url).resolve('./fleet-process.ts')
  const share = Math.ceil(order.identities.length / processes)
  const children = Array.from({ length: processes }, () =>
    fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
  )
  const live = children.map((child, n) => {
    const word = next(child)
    child.send({ ...order, identities: order.identities.slice(n * share, (n + 1) * share) })
    return word
  })
  await Promise.all(live)
  return {
    counts: async () => {
      const words = await Promise.all(
        children.map(child => {
          const word = next(child)
          child.send('counts')
          return word
        }),
      )
      const sum = { started: 0, settled: 0 }
      for (const word of words)
        if (word.kind === 'counts') {
          sum.started += word.started
          sum.settled += word.settled
        }
      return sum
    },
    stop: () => {
      for (const child of children) if (child.connected) child.disconnect()
    },
  }
}

const next = (child: ChildProcess): Promise<FleetWord> =>
  new Promise((resolve, reject) => {
    child.once('message', message => resolve(message as FleetWord))
    child.once('exit', code => reject(new Error(`a fleet process ended with ${code}`)))
  })

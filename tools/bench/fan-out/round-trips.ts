import type { Router } from 'zeromq'

export type RoundTrips = {
  /** Milliseconds until every peer has answered twice, one after the other; the peers do not wait for each other. */
  twiceMs(): Promise<number>
}

const sendsPerTurnMax = 256

/** The baseline: what a ROUTER of zeromq.js and as many DEALERs need for two messages each and their answers. */
export const makeRoundTrips = async (
  router: Router,
  { agents, messageBytes }: { readonly agents: number; readonly messageBytes: number },
): Promise<RoundTrips> => {
  const peers: Buffer[] = []
  while (peers.length < agents) {
    const [id] = await router.receive()
    if (id) peers.push(id)
  }
  const body = Buffer.alloc(messageBytes, 'x')
  const second = async (): Promise<void> => {
    const again = new Set<string>()
    for (let open = 2 * agents; open > 0; open -= 1) {
      const [id] = await router.receive()
      if (!id) continue
      const key = id.toString('latin1')
      if (again.has(key)) continue
      again.add(key)
      await router.send([id, body])
    }
  }
  return {
    twiceMs: async () => {
      const from = performance.now()
      const done = second()
      let sent = 0
      for (const id of peers) {
        await router.send([id, body])
        sent += 1
        if (sent % sendsPerTurnMax === 0) await new Promise(resolve => setImmediate(resolve))
      }
      await done
      return performance.now() - from
    },
  }
}

import { newId } from '@re-ops/protocols'
import type { Cluster } from '../../supervisor/cluster.ts'
import type { Random } from '../foundation/random.ts'
import { faultOf, nextRequest, type Credentials } from './http-attack.ts'
import { openHttpPeer } from './http-peer.ts'
import { recordBodies } from './http-corpus.ts'
import { routesOf } from './routes.ts'

export type HttpTally = {
  readonly requests: number
  readonly status: Readonly<Record<string, number>>
  readonly broken: number
  readonly unanswered: number
  readonly shapeless: number
  /** The first of each kind, for people. */
  readonly faults: readonly string[]
}
export type HttpAttack = { round(requests: number): Promise<void>; tally(): HttpTally; close(): void }

/** How many addresses of this computer requests come from: what is limited per address is so for each. */
const addresses = 200
const shownMax = 600

export const makeHttpAttack = async (deps: {
  readonly cluster: Cluster
  readonly credentials: Credentials
  readonly peers: number
  readonly random: Random
}): Promise<HttpAttack> => {
  const { cluster, credentials, random } = deps
  const { recorded, ids } = await recordBodies(cluster)
  const routes = [...(await routesOf('mote', cluster.moteUrl)), ...(await routesOf('core', cluster.coreUrl))]
  const known = { credentials, recorded, ids: [...ids, newId(), '0193f2a4-8f00-7000-8000-00000000000a'] }
  const tally = { requests: 0, broken: 0, unanswered: 0, shapeless: 0 }
  const status: Record<string, number> = {}
  const faults = new Map<string, string>()
  const to = (url: string) =>
    Array.from({ length: Math.ceil(deps.peers / 2) }, () =>
      openHttpPeer(Number(new URL(url).port), `127.0.0.${random.between(2, addresses)}`),
    )
  const sides = [
    { peers: to(cluster.moteUrl), routes: routes.filter(route => route.to === 'mote') },
    { peers: to(cluster.coreUrl), routes: routes.filter(route => route.to === 'core') },
  ]
  const one = async (peer: ReturnType<typeof openHttpPeer>, own: typeof routes) => {
    const { bytes, line, route } = nextRequest({ ...known, routes: own }, random)
    const answer = await peer.ask(bytes)
    tally.requests += 1
    const code = String(answer?.status ?? 'none')
    status[code] = (status[code] ?? 0) + 1
    const fault = faultOf(answer)
    if (!fault) return
    tally[fault] += 1
    const key = `${fault} ${code} ${route.method} ${route.path}`
    if (!faults.has(key))
      faults.set(
        key,
        `${key}: ${line.slice(0, 200)} ... ${bytes.subarray(-200).toString('latin1')} => ${(answer?.body ?? '').slice(0, shownMax)}`,
      )
  }
  return {
    round: async requests => {
      // re-mote has more routes, and more to lose.
      const shares = [0.65, 0.35]
      await Promise.all(
        sides.flatMap(({ peers, routes: own }, side) =>
          peers.map(async peer => {
            const share = Math.ceil((requests * (shares[side] ?? 0)) / peers.length)
            for (let sent = 0; sent < share; sent += 1) await one(peer, own)
          }),
        ),
      )
    },
    tally: () => ({ ...tally, status, faults: [...faults.values()] }),
    close: () => sides.forEach(({ peers }) => peers.forEach(peer => peer.close())),
  }
}

import { fromAgent } from '@re-ops/protocols'
import type { FakeIdentity } from '@re-ops/re-mote/testing'
import type { Random } from '../foundation/random.ts'
import type { Corpus } from './corpus.ts'
import { openPeer, type BrokerAddress, type Counted, type Peer } from './peer.ts'
import { nextMessage } from './wire-attack.ts'

export type WireAttack = {
  /** Sends so many messages over all connections; answers what must be counted of them. */
  round(messages: number): Promise<Counted>
  close(): void
}

/** The ids of real calls, as an agent that listens well may know them. */
const callsIn = (recorded: readonly Buffer[]): string[] =>
  recorded.flatMap(bytes => {
    const message = fromAgent.decode(bytes)
    return message.kind === 'call.result' ? [message.body.id] : []
  })

/**
 * Enrolled agents gone bad: most in a session, some (`strangers`) that never say hello, one that has a session and
 * reads nothing. All of them talk at the same time.
 */
export const makeWireAttack = (deps: {
  readonly broker: BrokerAddress
  readonly corpus: Corpus
  readonly identities: readonly FakeIdentity[]
  readonly strangers: number
  readonly random: Random
}): WireAttack => {
  const { broker, corpus, identities, strangers, random } = deps
  const recorded = corpus.fromAgent
  const calls = callsIn(recorded)
  const [deafIdentity, ...others] = identities
  const deaf = deafIdentity ? [openPeer(broker, deafIdentity, { deaf: true })] : []
  const all = others.map((identity, at) => ({ peer: openPeer(broker, identity), says: at >= strangers }))

  const talk = async (peer: Peer, messages: number, saysHello: boolean): Promise<Counted> => {
    let [dropped, unclaimed] = [0, 0]
    for (let sent = 0; sent < messages; sent += 1) {
      if (saysHello && !peer.isLive) await peer.hello()
      const { token } = peer
      const one = await peer.send(nextMessage({ recorded, token, calls }, random))
      dropped += one.dropped
      unclaimed += one.unclaimed
    }
    return { dropped, unclaimed }
  }
  return {
    round: async messages => {
      const share = Math.ceil(messages / (all.length + deaf.length))
      const each = await Promise.all([
        ...all.map(({ peer, says }) => talk(peer, share, says)),
        ...deaf.map(peer => talk(peer, share, false)),
      ])
      return each.reduce((sum, one) => ({
        dropped: sum.dropped + one.dropped,
        unclaimed: sum.unclaimed + one.unclaimed,
      }))
    },
    close: () => [...all.map(({ peer }) => peer), ...deaf].forEach(peer => peer.close()),
  }
}

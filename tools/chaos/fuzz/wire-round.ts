import { fromAgent } from '@re-ops/protocols'
import type { FakeIdentity } from '@re-ops/re-mote/testing'
import type { Random } from '../foundation/random.ts'
import type { Corpus } from './corpus.ts'
import { openPeer, type BrokerAddress, type Counted, type Peer } from './peer.ts'
import { nextMessage } from './wire-attack.ts'

/** What must be counted of a round: between the two when connections were lost under way, and with them what TCP had not delivered. */
export type Expected = { readonly least: Counted; readonly most: Counted; readonly connectionsLost: number }
export type WireAttack = {
  /** Sends so many messages over all connections. */
  round(messages: number): Promise<Expected>
  close(): void
}
export const nothingExpected: Expected = {
  least: { dropped: 0, unclaimed: 0 },
  most: { dropped: 0, unclaimed: 0 },
  connectionsLost: 0,
}
const plus = (a: Counted, b: Counted): Counted => ({
  dropped: a.dropped + b.dropped,
  unclaimed: a.unclaimed + b.unclaimed,
})
export const sumOf = (a: Expected, b: Expected): Expected => ({
  least: plus(a.least, b.least),
  most: plus(a.most, b.most),
  connectionsLost: a.connectionsLost + b.connectionsLost,
})

/** The ids of real calls, as an agent that listens well may know them. */
const callsIn = (recorded: readonly Buffer[]): string[] =>
  recorded.flatMap(bytes => {
    const message = fromAgent.decode(bytes)
    return message.kind === 'call.result' ? [message.body.id] : []
  })

/** Who reads nothing is cut off by libzmq's heartbeat after a while: it says what it has to say at once. */
const deafMessagesMax = 300

type Attacker = { peer: Peer; readonly open: () => Peer; readonly saysHello: boolean; readonly messagesMax: number }

/**
 * Enrolled agents gone bad: most in a session, some (`strangers`) that never say hello, one that reads nothing. All of
 * them talk at the same time.
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
  const attackers = identities.map((identity, at): Attacker => {
    const deaf = at === 0
    const open = () => openPeer(broker, identity, { deaf })
    const messagesMax = deaf ? deafMessagesMax : Number.POSITIVE_INFINITY
    return { peer: open(), open, saysHello: at > strangers, messagesMax }
  })
  const talk = async (attacker: Attacker, messages: number): Promise<Expected> => {
    const isDeaf = Number.isFinite(attacker.messagesMax)
    if (isDeaf || attacker.peer.isGone) {
      attacker.peer.close()
      attacker.peer = attacker.open()
    }
    const { peer, saysHello, messagesMax } = attacker
    let said: Counted = nothingExpected.least
    for (let sent = 0; sent < Math.min(messages, messagesMax) && !peer.isGone; sent += 1) {
      if (saysHello && !peer.isLive) await peer.hello()
      said = plus(said, await peer.send(nextMessage({ recorded, token: peer.token, calls }, random)))
    }
    return { least: peer.isGone ? nothingExpected.least : said, most: said, connectionsLost: peer.isGone ? 1 : 0 }
  }
  return {
    round: async messages => {
      const talking = attackers.filter(one => !Number.isFinite(one.messagesMax)).length
      const share = Math.ceil((messages - deafMessagesMax) / talking)
      const each = await Promise.all(attackers.map(one => talk(one, share)))
      return each.reduce(sumOf)
    },
    close: () => attackers.forEach(({ peer }) => peer.close()),
  }
}

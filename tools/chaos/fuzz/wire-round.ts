import { fromAgent } from '@re-ops/protocols'
import type { FakeIdentity } from '@re-ops/re-mote/testing'
import type { Random } from '../foundation/random.ts'
import type { Corpus } from './corpus.ts'
import { openPeer, type BrokerAddress, type Counted, type Peer } from './peer.ts'
import { nextMessage } from './wire-attack.ts'

/** What must be counted of a round: between the two when connections were lost under way, and with them what TCP had not delivered. */
export type Expected = {
  readonly least: Counted
  readonly most: Counted
  readonly sent: number
  readonly connectionsLost: number
}
export type WireAttack = {
  /** Sends so many messages over all connections. */
  round(messages: number): Promise<Expected>
  close(): void
}
export const nothingExpected: Expected = {
  sent: 0,
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
  sent: a.sent + b.sent,
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

type Attacker = {
  peer: Peer
  talks: boolean
  /** Heartbeats since it last talked: dropped, if its session was over by then. */
  beats: number
  readonly open: () => Peer
  readonly saysHello: boolean
  readonly messagesMax: number
}
/** Who has said all of its round still lives, while the others go on. */
const heartbeatMs = 2_000
const heartbeat = (attacker: Attacker) => {
  const { peer, talks } = attacker
  if (talks || !peer.isLive || peer.isGone) return
  attacker.beats += 1
  void peer.send([fromAgent.encode('heartbeat', {}, peer.token)])
}

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
    return { peer: open(), talks: false, beats: 0, open, saysHello: at > strangers, messagesMax }
  })
  const beating = setInterval(() => attackers.forEach(heartbeat), heartbeatMs)
  const talk = async (attacker: Attacker, messages: number): Promise<Expected> => {
    const isDeaf = Number.isFinite(attacker.messagesMax)
    const wasGone = attacker.peer.isGone
    let maybe = wasGone ? attacker.beats : 0
    if (isDeaf || wasGone) {
      attacker.peer.close()
      attacker.peer = attacker.open()
    }
    const { peer, saysHello, messagesMax } = attacker
    let said: Counted = nothingExpected.least
    let sent = 0
    attacker.talks = true
    for (; sent < Math.min(messages, messagesMax) && !peer.isGone; sent += 1) {
      if (saysHello && !peer.isLive) maybe += await peer.hello()
      said = plus(said, await peer.send(nextMessage({ recorded, token: peer.token, calls }, random)))
    }
    attacker.talks = false
    if (peer.isGone) maybe += attacker.beats
    attacker.beats = 0
    const most = { ...said, dropped: said.dropped + maybe }
    if (!peer.isGone) return { least: said, most, sent, connectionsLost: wasGone ? 1 : 0 }
    // Its session may have been over before we heard of it: then all of it was dropped.
    return { least: nothingExpected.least, most: { ...said, dropped: sent + maybe }, sent, connectionsLost: 1 }
  }
  return {
    round: async messages => {
      const talking = attackers.filter(one => !Number.isFinite(one.messagesMax)).length
      const share = Math.ceil((messages - deafMessagesMax) / talking)
      const each = await Promise.all(attackers.map(one => talk(one, share)))
      return each.reduce(sumOf)
    },
    close: () => {
      clearInterval(beating)
      attackers.forEach(({ peer }) => peer.close())
    },
  }
}

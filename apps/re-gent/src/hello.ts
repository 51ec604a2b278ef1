import { fromAgent, newSecret, signHello, type FromBroker } from '@re-ops/protocols'
import { ownAddresses } from './addresses.ts'
import type { Keys } from './keys.ts'

export type HelloSpec = {
  readonly keys: Keys
  readonly agent: string
  readonly boot: string
  readonly name: string
  readonly version: string
  /** The server key that this connection was made to; a challenge that names another is not answered. */
  readonly serverKey: string
}
type Challenge = Extract<FromBroker, { kind: 'hello.challenge' }>['body']

const versions = [1]

/** The first two messages of a session: who we are, and the proof. One per connection, because of the nonce. */
export const makeHello = (spec: HelloSpec) => {
  const nonce = newSecret()
  const { agent, boot, name, version, keys } = spec
  return {
    start: (): Buffer => fromAgent.encode('hello.start', { agent, boot, nonce, versions }),
    /** The proof, or why this broker does not get one. */
    prove: (challenge: Challenge, journalCounter: number): Buffer | string => {
      if (challenge.serverKey !== spec.serverKey)
        return 'the challenge names another server key than the connection has'
      if (!versions.includes(challenge.version))
        return `the broker speaks version ${challenge.version}, we speak ${versions.join(', ')}`
      const signature = signHello(keys.sign, {
        broker: challenge.broker,
        serverKey: spec.serverKey,
        agent,
        agentKey: keys.sign.publicKey,
        agentNonce: nonce,
        brokerNonce: challenge.nonce,
        boot,
        version: challenge.version,
        journalCounter,
      })
      const told = { name, pid: process.pid, version, addresses: ownAddresses() }
      return fromAgent.encode('hello.proof', { signature, journalCounter, ...told })
    },
  }
}

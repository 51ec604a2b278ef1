import { context, curveKeyPair, Dealer } from 'zeromq'
import type { BareOrder } from './bare.ts'

/** Many bare DEALERs with CURVE that send back what they get: the baseline of simulated agents. Ends with its channel. */
const echo = async (dealer: Dealer): Promise<void> => {
  await dealer.send('ready')
  for await (const [message] of dealer) if (message) await dealer.send(message)
}

process.on('disconnect', () => process.exit(0))
process.on('SIGINT', () => undefined)
process.once('message', ({ agents, endpoint, serverKey }: BareOrder) => {
  context.maxSockets = context.maxSocketsLimit
  context.blocky = false
  for (let n = 0; n < agents; n += 1) {
    const { publicKey, secretKey } = curveKeyPair()
    const dealer = new Dealer({
      curveServerKey: serverKey,
      curvePublicKey: publicKey,
      curveSecretKey: secretKey,
      linger: 0,
    })
    dealer.connect(endpoint)
    echo(dealer).catch((error: unknown) => {
      process.stderr.write(`bare peer: ${String(error)}\n`)
      process.exitCode = 1
    })
  }
})

import { Dealer } from 'zeromq'

/** The other end of the bare baseline: a DEALER with CURVE in a process of its own that sends back what it gets. */
const [endpoint, serverKey, publicKey, secretKey] = process.argv.slice(2) as [string, string, string, string]
const dealer = new Dealer({
  curveServerKey: serverKey,
  curvePublicKey: publicKey,
  curveSecretKey: secretKey,
  linger: 0,
})
dealer.connect(endpoint)
await dealer.send('ready')
for await (const frames of dealer) await dealer.send(frames)

import { fork } from 'node:child_process'
import { curveKeyPair, Router } from 'zeromq'

export type BareZeromq = {
  /** Milliseconds of two round trips, one after the other, with a message of the size of a small call. */
  twoRoundTripsMs(): Promise<number>
  stop(): void
}

/** The baseline of `bench call`: zeromq.js ROUTER and DEALER with CURVE in two processes, and nothing else. */
export const startBareZeromq = async (): Promise<BareZeromq> => {
  const [server, client] = [curveKeyPair(), curveKeyPair()]
  const router = new Router({ curveServer: true, curveSecretKey: server.secretKey, linger: 0 })
  await router.bind('tcp://127.0.0.1:*')
  const peer = fork(new URL('./echo-peer.ts', import.meta.url), [
    router.lastEndpoint ?? '',
    server.publicKey,
    client.publicKey,
    client.secretKey,
  ])
  const [id] = await router.receive()
  const body = Buffer.alloc(200, 'x')
  const roundTrip = async () => {
    await router.send([id as Buffer, body])
    await router.receive()
  }
  return {
    twoRoundTripsMs: async () => {
      const from = performance.now()
      await roundTrip()
      await roundTrip()
      return performance.now() - from
    },
    stop: () => {
      peer.kill('SIGKILL')
      router.close()
    },
  }
}

import { Reply } from 'zeromq'
import { z85 } from './z85.ts'

/** What the authenticator says of a key: in, come again (unknown, or not now), never. */
export type Verdict = 'allowed' | 'later' | 'revoked'
export type Authenticator = { close(): void; readonly ended: Promise<void> }

const codes: Readonly<Record<Verdict, readonly [string, string]>> = {
  allowed: ['200', 'OK'],
  // A 400 strands the client for good, so it is kept for revoked keys; after a 300 it tries again.
  later: ['300', 'come again'],
  revoked: ['400', 'revoked'],
}

/**
 * The ZAP handler (RFC 27). Must be bound before the router binds. Whatever it cannot read it does not allow, and when it ends, nobody
 * new gets in.
 */
export const startAuthenticator = async (judge: (key: string) => Verdict): Promise<Authenticator> => {
  const socket = new Reply({ linger: 0 })
  await socket.bind('inproc://zeromq.zap.01')
  const serve = async () => {
    for await (const frames of socket) {
      const [version, id, , , , mechanism, key] = frames
      const readable = version?.toString() === '1.0' && mechanism?.toString() === 'CURVE' && key?.byteLength === 32
      const [code, text] = codes[readable ? judge(z85(key)) : 'later']
      await socket.send(['1.0', id ?? Buffer.alloc(0), code, text, '', ''])
    }
  }
  return { close: () => socket.close(), ended: serve() }
}

import { createSecretKey } from 'node:crypto'
import type { Client } from 'ssh2'

const ofKeys = /^_(enc|dec|decipher|mac)Key/

/**
 * ssh2 begins each packet's cipher anew with the bytes of its key, and Node takes four times as long to look at bytes as at a key that it has
 * read before: of a warm command that was a sixth of all processor time here. These are private fields of ssh2: where they are not what we
 * know, nothing is changed and all works as before. New keys (`handshake` comes with each exchange) are read again.
 */
export const readyKeys = (client: Client): void => {
  client.on('handshake', () => {
    const { _protocol: protocol } = client as unknown as { _protocol?: { _cipher?: object; _decipher?: object } }
    for (const part of [protocol?._cipher, protocol?._decipher])
      for (const [name, value] of Object.entries(part ?? {}))
        if (ofKeys.test(name) && Buffer.isBuffer(value))
          Object.assign(part as object, { [name]: createSecretKey(value) })
  })
}

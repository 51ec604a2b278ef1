import { expect, test } from '@jest/globals'
import { generateKeyPairSync, KeyObject } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import ssh2, { type CipherAlgorithm } from 'ssh2'
import { readyKeys } from './ready-keys.ts'

type Halves = { readonly _protocol: { readonly _cipher: object; readonly _decipher: object } }
const keysOf = (part: object) => Object.entries(part).filter(([name]) => /Key/.test(name) && !/Algo|SSLName/.test(name))

const ciphers: CipherAlgorithm[] = ['aes128-gcm@openssh.com', 'chacha20-poly1305@openssh.com', 'aes256-ctr']

test.each(ciphers)('%s: its keys are read once, and what is said comes through unharmed', async cipher => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const hostKey = privateKey.export({ type: 'pkcs1', format: 'pem' })
  const server = new ssh2.Server({ hostKeys: [hostKey], algorithms: { cipher: [cipher] } }, connection => {
    connection.on('error', () => undefined)
    connection.on('authentication', context => context.accept())
    connection.on('ready', () =>
      connection.on('session', accept =>
        accept().on('exec', (take, _refuse, { command }) => {
          const channel = take()
          channel.pipe(channel)
          channel.write(`${command}\n`)
        }),
      ),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = new ssh2.Client()
  try {
    readyKeys(client)
    const { port } = server.address() as AddressInfo
    client.connect({ host: '127.0.0.1', port, username: 'a', authHandler: ['none'], algorithms: { cipher: [cipher] } })
    await once(client, 'ready')
    const { _protocol: protocol } = client as unknown as Halves
    const keys = [protocol._cipher, protocol._decipher].flatMap(keysOf).filter(([, key]) => key !== undefined)
    expect(keys.length).toBeGreaterThanOrEqual(2)
    expect(keys.filter(([, key]) => !(key instanceof KeyObject))).toEqual([])
    const text = 'x'.repeat(200_000)
    const heard = await new Promise<string>((resolve, reject) =>
      client.exec('hello', (error, channel) => {
        if (error) return reject(error)
        let all = ''
        channel.setEncoding('utf8').on('data', (piece: string) => (all += piece))
        channel.on('end', () => resolve(all))
        channel.end(text)
      }),
    )
    expect(heard).toBe(`hello\n${text}`)
  } finally {
    client.destroy()
    server.close()
  }
})

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { SystemSpec } from '@re-ops/protocols'
import type { Cipher } from '../jobs/attempt.ts'

/** A stand-in agent: lives until told otherwise, and has a child of its own, as a real one has. */
export const standIn = ['/bin/sh', '-c', 'sleep 600 & wait', 'agent']

export const testSpec = (name: string): SystemSpec => ({
  name,
  provider: 'local',
  account: 'local',
  region: 'local',
  options: {},
  type: 'web',
  size: 'process',
  image: 'this-computer',
  labels: { env: 'test' },
  readiness: 'agent',
  protected: false,
})

export const testCipher = (key: Buffer): Cipher => {
  return {
    seal: (text, context) => {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()])
    },
    open: (sealed, context) => {
      const open = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(context))
      open.setAuthTag(sealed.subarray(-16))
      return Buffer.concat([open.update(sealed.subarray(12, -16)), open.final()]).toString()
    },
  }
}

import { decrypt, encrypt, type MasterKeys, type Sealed } from '@re-ops/service'
import type { Cipher } from './jobs/attempt.ts'

/** Frozen requests under the master keys: the newest seals, all open. */
export const makeCipher = (keys: MasterKeys): Cipher => ({
  seal: (text, context) => Buffer.from(JSON.stringify(encrypt(keys, context, text))),
  open: (sealed, context) => decrypt(keys, context, JSON.parse(sealed.toString()) as Sealed),
})

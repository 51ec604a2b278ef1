import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ConfigError, type Environment } from '../config.ts'
import { ensureFile } from '../ensure-file.ts'
import { resolveReference } from '../reference.ts'

export type MasterKey = { readonly id: string; readonly key: Buffer }
/** The first one seals; all of them open. To rotate, put a new line first, start, `rotate()`, then take the old line away. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]]
/** A sealed text as a row or JSON keeps it; nonce (12 bytes) and text with tag are base64url. */
export type Sealed = { readonly keyId: string; readonly nonce: string; readonly text: string }

const keyBytes = 32
const tagBytes = 16
const keysMax = 16

export class SealError extends Error {
  override readonly name = 'SealError'
}

export const newMasterKey = (): string => randomBytes(keyBytes).toString('base64url')

/** One key per line, 32 bytes in base64url or base64; empty lines and lines that begin with # are skipped. */
export const parseMasterKeys = (text: string, where: string): MasterKeys => {
  const lines = text.split(/\s*[\n,]\s*/).map(line => line.trim())
  const [first, ...others] = lines
    .filter(line => line !== '' && !line.startsWith('#'))
    .map((line, index) => {
      const key = Buffer.from(line, 'base64')
      if (key.length === keyBytes) return { id: createHash('sha256').update(key).digest('hex').slice(0, 16), key }
      throw new ConfigError(
        `${where}: key ${index + 1} is not ${keyBytes} bytes in base64url; allowed: one such key per line`,
      )
    })
  if (first && others.length < keysMax) return [first, ...others]
  throw new ConfigError(`${where}: allowed are 1 to ${keysMax} keys of ${keyBytes} bytes in base64url, one per line`)
}

export type MasterKeySource = {
  readonly stateFolder: string
  /** file: or env:, as REOPS_MASTER_KEY gives it; default `<state>/master.key`, made when absent. */
  readonly reference?: string | undefined
  readonly environment?: Environment
}
export const ensureMasterKeys = async ({
  stateFolder,
  reference,
  environment,
}: MasterKeySource): Promise<MasterKeys> => {
  const path = join(stateFolder, 'master.key')
  return reference === undefined
    ? parseMasterKeys(await ensureFile(path, () => `${newMasterKey()}\n`), path)
    : parseMasterKeys(await resolveReference(reference, environment ? { environment } : {}), reference)
}

/** AES-256-GCM under the first key. `context` says what the text is (`core.secret:name`); it must be the same when opening. */
export const encrypt = ([{ id, key }]: MasterKeys, context: string, text: string): Sealed => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return { keyId: id, nonce: nonce.toString('base64url'), text: sealed.toString('base64url') }
}

/** The text again; throws SealError naming the context when the key is not here or anything was changed. */
export const decrypt = (keys: MasterKeys, context: string, sealed: Sealed): string => {
  const master = keys.find(({ id }) => id === sealed.keyId)
  if (!master)
    throw new SealError(`${context}: was sealed with master key ${sealed.keyId}, which is not among the keys given`)
  const bytes = Buffer.from(sealed.text, 'base64url')
  try {
    const opened = createDecipheriv('aes-256-gcm', master.key, Buffer.from(sealed.nonce, 'base64url'), {
      authTagLength: tagBytes,
    })
    opened.setAAD(Buffer.from(context))
    opened.setAuthTag(bytes.subarray(-tagBytes))
    return Buffer.concat([opened.update(bytes.subarray(0, -tagBytes)), opened.final()]).toString('utf8')
  } catch {
    throw new SealError(`${context}: is damaged, or was sealed for another place`) // which of the two cannot be told apart
  }
}

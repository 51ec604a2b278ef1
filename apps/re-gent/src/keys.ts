import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CurveKey, newSigningKeys } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { Check } from 'typebox/value'
import { curveKeyPair } from 'zeromq'
import { createOnce } from './durable.ts'
import { AgentExit, exitCodes } from './exit.ts'

const Raw = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })
const Keys = Type.Object({
  curve: Type.Object({ publicKey: CurveKey, secretKey: CurveKey }),
  sign: Type.Object({ publicKey: Raw, privateKey: Raw }),
})
export type Keys = Static<typeof Keys>

/** The agent's own keys: made once, on disk before anybody hears of them, readable by us alone. */
export const ensureKeys = async (state: string): Promise<Keys> => {
  const path = join(state, 'keys.json')
  if (!existsSync(path)) await createOnce(path, JSON.stringify({ curve: curveKeyPair(), sign: newSigningKeys() }))
  let keys: unknown
  try {
    keys = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    keys = null
  }
  if (!Check(Keys, keys))
    throw new AgentExit(exitCodes.config, `${path} does not hold keys; remove it to make new ones and enrol again`)
  return keys
}

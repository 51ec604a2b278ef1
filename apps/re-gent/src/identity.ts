import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Id, Keyset, keysetIsGenuine, Name } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { Check } from 'typebox/value'
import { writeAtomic } from './durable.ts'
import { AgentExit, exitCodes } from './exit.ts'

/** What enrolment gave: who we are, whom we trust (`root`), and the keyset we hold. One file, so it is whole or absent. */
export const Identity = Type.Object({
  host: Id,
  name: Name,
  root: Type.String(),
  keyset: Keyset,
})
export type Identity = Static<typeof Identity>

const pathOf = (state: string): string => join(state, 'identity.json')

export const loadIdentity = (state: string): Identity | null => {
  const path = pathOf(state)
  if (!statSync(path, { throwIfNoEntry: false })) return null
  let identity: unknown
  try {
    identity = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    identity = null
  }
  if (!Check(Identity, identity))
    throw new AgentExit(exitCodes.config, `${path} is damaged; remove it to enrol again with the same keys`)
  return identity
}

export const saveIdentity = (state: string, identity: Identity): Promise<void> =>
  writeAtomic(pathOf(state), JSON.stringify(identity))

export type KeysetVerdict = 'newer' | 'same' | 'not genuine' | 'lower serial' | 'other installation' | 'not valid now'

/**
 * Whether an offered keyset may replace the one we hold: signed by our root, of our installation, a higher serial, and
 * valid at the broker's clock when we know it (a host's own wall clock is not trusted).
 */
export const judgeKeyset = (identity: Identity, offered: Keyset, at?: number): KeysetVerdict => {
  const held = identity.keyset
  // Word for word the one we verified when we took it: every session begins with it.
  const isHeld = isDeepStrictEqual(held, offered)
  if (!isHeld && !keysetIsGenuine(identity.root, offered)) return 'not genuine'
  if (offered.installation !== held.installation) return 'other installation'
  if (offered.serial < held.serial) return 'lower serial'
  if (at !== undefined && (at < Date.parse(offered.notBefore) || at > Date.parse(offered.notAfter)))
    return 'not valid now'
  return offered.serial === held.serial ? 'same' : 'newer'
}

import { newSigningKeys, type SigningKeys } from '@re-ops/protocols'

export type ModuleKey = SigningKeys & { readonly madeAt: string }

const dayMs = 86_400_000
/** Publish, overlap, retire: a key signs for half a year, and stays in the keyset for a month after the next took its place. */
export const moduleKeyRules = { rotateAfterMs: 180 * dayMs, overlapMs: 30 * dayMs, publishedForMs: dayMs } as const

const ageMs = (key: ModuleKey, at: number) => at - Date.parse(key.madeAt)

/** The keys from now on, newest first: the very same list while nothing is due. */
export const rotatedModuleKeys = (keys: readonly ModuleKey[], at: number): readonly ModuleKey[] => {
  const [newest] = keys
  if (!newest || ageMs(newest, at) > moduleKeyRules.rotateAfterMs)
    return [{ ...newSigningKeys(), madeAt: new Date(at).toISOString() }, ...keys].slice(0, 8)
  // Each but the newest is followed by the one that replaced it.
  const kept = keys.filter((_, n) => {
    const successor = keys[n - 1]
    return successor === undefined || ageMs(successor, at) < moduleKeyRules.overlapMs
  })
  return kept.length === keys.length ? keys : kept
}

/** The key that signs: the newest that has been in the keyset for a day, so that agents of every replica know it by now. */
export const signingKeyOf = (keys: readonly ModuleKey[], at: number): ModuleKey => {
  const known = keys.find(key => ageMs(key, at) >= moduleKeyRules.publishedForMs) ?? keys.at(-1)
  if (!known) throw new Error('the installation has no module key')
  return known
}

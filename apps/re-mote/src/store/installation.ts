import { newId, newSealKeys, newSigningKeys, signKeyset, type Keyset, type SigningKeys } from '@re-ops/protocols'
import { decrypt, encrypt, transaction, type MasterKeys, type Pool, type Sealed } from '@re-ops/service'
import { curveKeyPair } from 'zeromq'
import { rotatedModuleKeys, type ModuleKey } from './module-keys.ts'

export type InstallationKeys = {
  readonly root: SigningKeys
  readonly curve: { readonly publicKey: string; readonly secretKey: string }
  readonly seal: { readonly publicKey: string; readonly privateKey: string }
  /** Sign live modules; the newest first. Absent in rows of before there were any. */
  readonly modules: readonly ModuleKey[]
}
export type Installation = { readonly id: string; readonly keys: InstallationKeys }

const context = 'mote.installation:keys'
const attemptsMax = 5
const keysetDays = 365
const dayMs = 86_400_000

/** The keys of this installation, made once; several services that start at once end with the same. Module keys are rotated here. */
export const ensureInstallation = async (pool: Pool, masterKeys: MasterKeys): Promise<Installation> => {
  const sealed = (keys: InstallationKeys) => JSON.stringify(encrypt(masterKeys, context, JSON.stringify(keys)))
  const fresh: InstallationKeys = {
    root: newSigningKeys(),
    curve: curveKeyPair(),
    seal: await newSealKeys(),
    modules: rotatedModuleKeys([], Date.now()),
  }
  await pool.query(
    `insert into mote.installation (id, keys, keyset) values ($1, $2, 'null') on conflict (single) do nothing`,
    [newId(), sealed(fresh)],
  )
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { rows } = await pool.query<{ id: string; keys: string }>('select id, keys from mote.installation')
    const row = rows[0]
    if (!row) throw new Error('mote.installation has no row')
    const stored = JSON.parse(row.keys) as Sealed
    const held = JSON.parse(decrypt(masterKeys, context, stored)) as InstallationKeys
    const modules = rotatedModuleKeys(held.modules ?? [], Date.now())
    const keys = { ...held, modules }
    if (modules === held.modules && stored.keyId === masterKeys[0].id) return { id: row.id, keys }
    const { rowCount } = await pool.query('update mote.installation set keys = $1 where keys = $2', [
      sealed(keys),
      row.keys,
    ])
    if (rowCount === 1) return { id: row.id, keys }
  }
  throw new Error('the keys of the installation are changed by others all the time')
}

const sameKeys = (keyset: Keyset, { root, curve, seal, modules }: InstallationKeys, endpoints: readonly string[]) =>
  keyset.root === root.publicKey &&
  keyset.sealKey === seal.publicKey &&
  keyset.moduleKeys.join() === modules.map(one => one.publicKey).join() &&
  keyset.curveServerKeys.join() === curve.publicKey &&
  keyset.endpoints.join() === endpoints.join() &&
  Date.parse(keyset.notAfter) - Date.now() > 30 * dayMs

/** The published keyset: the stored one while it still says the truth, else a new one with a higher serial. */
export const ensureKeyset = async (
  pool: Pool,
  { id, keys }: Installation,
  endpoints: readonly string[],
): Promise<Keyset> =>
  transaction(pool, async tx => {
    const { rows } = await tx.query<{ keyset: Keyset | null }>('select keyset from mote.installation for update')
    const current = rows[0]?.keyset ?? null
    if (current !== null && sameKeys(current, keys, endpoints)) return current
    const keyset = signKeyset(keys.root, {
      serial: (current?.serial ?? 0) + 1,
      root: keys.root.publicKey,
      installation: id,
      curveServerKeys: [keys.curve.publicKey],
      sealKey: keys.seal.publicKey,
      moduleKeys: keys.modules.map(one => one.publicKey),
      endpoints: [...endpoints],
      notBefore: new Date(Date.now() - dayMs).toISOString(),
      notAfter: new Date(Date.now() + keysetDays * dayMs).toISOString(),
    })
    await tx.query('update mote.installation set keyset = $1', [JSON.stringify(keyset)])
    return keyset
  })

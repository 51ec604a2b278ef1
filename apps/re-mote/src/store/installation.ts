import { newId, newSealKeys, newSigningKeys, signKeyset, type Keyset, type SigningKeys } from '@re-ops/protocols'
import { decrypt, encrypt, transaction, type MasterKeys, type Pool, type Sealed } from '@re-ops/service'
import { curveKeyPair } from 'zeromq'
import { rotatedModuleKeys, type ModuleKey } from './module-keys.ts'

export type CurveKeys = {
  readonly publicKey: string
  readonly secretKey: string
  /** Absent: with the installation. */
  readonly madeAt?: string
}
export type InstallationKeys = {
  readonly root: SigningKeys
  /** The server key that brokers use. */
  readonly curve: CurveKeys
  /** Published, and in use after the next switch. */
  readonly curveNext?: CurveKeys
  /** Still published, and not in use any more: its public half, and when the next took its place. */
  readonly curveBefore?: { readonly publicKey: string; readonly replacedAt: string }
  readonly seal: { readonly publicKey: string; readonly privateKey: string }
  /** Sign live modules; the newest first. Absent in rows of before there were any. */
  readonly modules: readonly ModuleKey[]
}
export type Installation = { readonly id: string; readonly keys: InstallationKeys }

/** What the keyset publishes of them, the one in use first. */
export const curveKeysOf = ({ curve, curveNext, curveBefore }: InstallationKeys): string[] =>
  [curve, curveNext, curveBefore].flatMap(one => (one ? [one.publicKey] : []))

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

/** Changes the keys of the installation; `change` may be asked again when another service was faster. The same keys: nothing is written. */
export const changeKeys = async (
  pool: Pool,
  masterKeys: MasterKeys,
  change: (keys: InstallationKeys) => InstallationKeys,
): Promise<Installation> => {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const { rows } = await pool.query<{ id: string; keys: string }>('select id, keys from mote.installation')
    const row = rows[0]
    if (!row) throw new Error('mote.installation has no row')
    const held = JSON.parse(decrypt(masterKeys, context, JSON.parse(row.keys) as Sealed)) as InstallationKeys
    const keys = change(held)
    if (keys === held) return { id: row.id, keys }
    const text = JSON.stringify(encrypt(masterKeys, context, JSON.stringify(keys)))
    const { rowCount } = await pool.query('update mote.installation set keys = $1 where keys = $2', [text, row.keys])
    if (rowCount === 1) return { id: row.id, keys }
  }
  throw new Error('the keys of the installation are changed by others all the time')
}

const sameKeys = (keyset: Keyset, keys: InstallationKeys, endpoints: readonly string[]) =>
  keyset.root === keys.root.publicKey &&
  keyset.sealKey === keys.seal.publicKey &&
  keyset.moduleKeys.join() === keys.modules.map(one => one.publicKey).join() &&
  keyset.curveServerKeys.join() === curveKeysOf(keys).join() &&
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
      curveServerKeys: curveKeysOf(keys),
      sealKey: keys.seal.publicKey,
      moduleKeys: keys.modules.map(one => one.publicKey),
      endpoints: [...endpoints],
      notBefore: new Date(Date.now() - dayMs).toISOString(),
      notAfter: new Date(Date.now() + keysetDays * dayMs).toISOString(),
    })
    await tx.query('update mote.installation set keyset = $1', [JSON.stringify(keyset)])
    return keyset
  })

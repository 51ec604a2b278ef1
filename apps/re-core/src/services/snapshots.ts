import { newId, ProviderError, snapshotPrefix, type CreateSystems, type SystemSnapshot } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { PoolClient } from 'pg'
import { removeSnapshot } from '../jobs/sweep-snapshots.ts'
import type { SystemRow } from '../store/row.ts'
import {
  insertSnapshot,
  listSnapshots,
  reviveSnapshot,
  snapshotById,
  snapshotByName,
  usersOfImage,
  writeSnapshot,
  type SnapshotRow,
} from '../store/snapshots.ts'
import type { ServiceDeps } from './deps.ts'
import { isId } from './find.ts'

const listMax = 10_000
const deleteMs = 30_000

const snapshotView = (row: SnapshotRow): SystemSnapshot => ({
  id: row.id,
  name: row.name,
  provider: row.provider,
  account: row.account,
  region: row.region,
  system: row.systemName,
  state: row.state,
  sizeGb: row.sizeGb,
  error: row.error,
  createdAt: new Date(row.createdAt).toISOString(),
})

/** The row a snapshot is made for; one that failed, of the same machine, is tried again. Throws 409 when it is taken. */
export const ensureSnapshotRow = async (tx: PoolClient, row: SystemRow, name: string): Promise<SnapshotRow> => {
  const known = await snapshotByName(tx, name)
  if (known !== null && known.state === 'failed' && known.machine === row.ref) {
    await reviveSnapshot(tx, known.id)
    return known
  }
  if (known !== null)
    throw new HttpProblem(
      409,
      'name-taken',
      'A snapshot has that name',
      `/body/name: a snapshot is called ${name} already (it is ${known.state}); choose another, or delete it`,
    )
  const { provider, account, region, id: system, name: systemName, readiness, ref: machine, imageRef } = row
  const place = { provider, account, region, system, systemName, readiness, machine }
  const made = { state: 'pending', ref: null, sizeGb: null, error: null, createdAt: Date.now() } as const
  const snapshot: SnapshotRow = { id: newId(), name, ...place, ...made, image: imageRef ?? row.image }
  await insertSnapshot(tx, snapshot)
  return snapshot
}

export const getSnapshots = async ({ pool }: Pick<ServiceDeps, 'pool'>): Promise<SystemSnapshot[]> =>
  (await listSnapshots(pool, listMax)).map(snapshotView)

const find = async ({ pool }: Pick<ServiceDeps, 'pool'>, idOrName: string): Promise<SnapshotRow> => {
  const row = (isId(idOrName) ? await snapshotById(pool, idOrName) : null) ?? (await snapshotByName(pool, idOrName))
  if (row !== null) return row
  throw new HttpProblem(
    404,
    'no-such-snapshot',
    'No such snapshot',
    `no snapshot has the id or name ${idOrName}; GET /v1/snapshots lists them`,
  )
}

export const getSnapshot = async (deps: Pick<ServiceDeps, 'pool'>, idOrName: string): Promise<SystemSnapshot> =>
  snapshotView(await find(deps, idOrName))

/** Marked first: from then on it is deleted again and again until the provider has done it. */
export const deleteSnapshot = async (
  deps: Pick<ServiceDeps, 'pool' | 'open'>,
  idOrName: string,
): Promise<SystemSnapshot> => {
  const row = await find(deps, idOrName)
  const users = await usersOfImage(deps.pool, `${snapshotPrefix}${row.name}`)
  if (users.length > 0)
    throw new HttpProblem(
      409,
      'in-use',
      'The snapshot is in use',
      `${row.name} is the image of ${users.join(', ')}; destroy them first`,
    )
  if (row.state === 'pending')
    throw new HttpProblem(409, 'pending', 'The snapshot is made just now', `${row.name} is pending; wait for its job`)
  await writeSnapshot(deps.pool, row.id, { state: 'deleting' })
  try {
    await removeSnapshot(deps.pool, await deps.open(row), row, AbortSignal.timeout(deleteMs))
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    await writeSnapshot(deps.pool, row.id, { error: error.message })
    return snapshotView({ ...row, state: 'deleting', error: error.message })
  }
  return snapshotView({ ...row, state: 'deleting' })
}

type Wish = Pick<CreateSystems, 'image' | 'provider' | 'account' | 'region' | 'readiness'>
/** Of a body whose image is a snapshot: where it must be made, and what the image is at the provider. */
export const snapshotFor = async (
  { pool }: Pick<ServiceDeps, 'pool'>,
  wish: Wish,
): Promise<{ readonly where: Omit<Wish, 'image'>; readonly imageRef: string | null }> => {
  const { image } = wish
  if (image === undefined || !image.startsWith(snapshotPrefix)) return { where: {}, imageRef: null }
  const row = await snapshotByName(pool, image.slice(snapshotPrefix.length))
  const refuse = (detail: string) => new HttpProblem(422, 'bad-snapshot', 'Not a snapshot to make machines of', detail)
  if (row === null) throw refuse(`image is ${image}; there is no such snapshot; GET /v1/snapshots lists them`)
  if (row.state !== 'ready' || row.ref === null)
    throw refuse(`image is ${image}, which is ${row.state}; allowed: ready`)
  for (const field of ['provider', 'account', 'region'] as const)
    if (wish[field] !== undefined && wish[field] !== row[field])
      throw refuse(`${field} is ${wish[field]}; allowed of image ${image}: ${row[field]}`)
  const { provider, account, region } = row
  // What needs no account has none to name.
  const place = account === provider ? { provider } : { provider, account, region }
  return { where: { ...place, readiness: wish.readiness ?? row.readiness }, imageRef: row.ref }
}

import { ProviderError, type ImageApi, type Provider, type Snapshot } from '@re-ops/protocols'
import type { OpRow } from '../store/row.ts'
import type { OpEnd } from '../store/ops.ts'
import type { SnapshotRow } from '../store/snapshots.ts'
import type { Attempt, Deps } from './attempt.ts'
import type { Progress } from './decide.ts'

/** What a snapshot is called at the provider: no other installation, and nobody by hand, has that name. */
export const providerName = ({ name, id }: Pick<SnapshotRow, 'name' | 'id'>): string => `${name}-${id.slice(-12)}`

export const imagesOf = ({ images, kind }: Provider): ImageApi => {
  if (images !== undefined) return images
  throw new ProviderError('unsupported', 'not-applied', `provider ${kind} has no snapshots`)
}

const written = async (deps: Deps, id: string, { ref, state, sizeGb }: Snapshot): Promise<void> =>
  deps.store.writeSnapshot(id, { ref, sizeGb, ...(state === 'failed' ? {} : { state }) })

/** Asked again it is the same one: its name is looked up first. */
export const makeSnapshot = async (
  deps: Deps,
  { row, provider, signal }: Attempt,
  op: OpRow,
): Promise<{ readonly opRef: string }> => {
  const snapshot = await deps.store.snapshot(op.snapshot ?? '')
  if (snapshot === null)
    throw new ProviderError('not-found', 'not-applied', 'the snapshot was deleted before it was made')
  const made = await imagesOf(provider).ensure(
    { name: providerName(snapshot), machine: row.ref ?? '', image: snapshot.image },
    signal,
  )
  await written(deps, snapshot.id, made)
  return { opRef: made.ref }
}

export const lookAtSnapshot = async (
  deps: Deps,
  { provider, signal }: Attempt,
  { opRef, snapshot }: OpRow,
): Promise<Progress> => {
  const seen = await imagesOf(provider).observe(opRef ?? '', signal)
  if (seen?.state === 'pending') return 'running'
  if (seen?.state === 'ready') {
    await written(deps, snapshot ?? '', seen)
    return 'done'
  }
  const why = seen === null ? 'the snapshot is not there any more' : 'the provider could not make the snapshot'
  return { failed: new ProviderError('transient', 'not-applied', why) }
}

export const snapshotOver = async (deps: Deps, { snapshot }: OpRow, { state, error }: OpEnd): Promise<void> => {
  if (state !== 'done') await deps.store.writeSnapshot(snapshot ?? '', { state: 'failed', error })
}

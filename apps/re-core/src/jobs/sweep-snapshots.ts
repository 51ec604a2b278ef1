import { ProviderError, type Provider } from '@re-ops/protocols'
import type { Open } from '../providers/opener.ts'
import { deleteSnapshotRow, snapshotsLeaving, writeSnapshot, type SnapshotRow } from '../store/snapshots.ts'
import type { Sql } from '../store/sql.ts'
import { imagesOf, providerName } from './effects-snapshot.ts'

const perRoundMax = 10
const callMs = 30_000

/** At its provider, by its reference, or by its name when nobody knows what became of it; then its row. */
export const removeSnapshot = async (
  sql: Sql,
  provider: Provider,
  row: SnapshotRow,
  signal: AbortSignal,
): Promise<void> => {
  const images = imagesOf(provider)
  const named = (await images.list(signal)).find(one => one.name === providerName(row))
  const ref = named?.ref ?? row.ref
  if (ref !== null) await images.delete(ref, signal)
  await deleteSnapshotRow(sql, row.id)
}

/** Snapshots that were to be deleted and are not yet: what the provider refused is asked for again. */
export const sweepSnapshots = async (
  { sql, open, log }: { sql: Sql; open: Open; log: { warn(fields: object, text: string): void } },
  signal: AbortSignal,
): Promise<void> => {
  for (const row of await snapshotsLeaving(sql, perRoundMax))
    try {
      await removeSnapshot(sql, await open(row), row, AbortSignal.any([signal, AbortSignal.timeout(callMs)]))
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error
      log.warn({ snapshot: row.name, error: error.message }, 'a snapshot was not deleted yet')
      await writeSnapshot(sql, row.id, { error: error.message })
    }
}

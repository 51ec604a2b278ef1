import type { Caps, ProviderError, Volume } from '@re-ops/protocols'
import type { VolumeRow } from '../store/wanted-volumes.ts'
import type { Progress } from './decide.ts'

/** What one attempt has looked at so far; `volume` null = the provider has none. */
export type VolumeSeen = { readonly volume?: Volume | null; readonly progress?: Progress }

export type VolumeStep =
  | { readonly kind: 'look'; readonly at: 'volume' | 'progress' }
  | { readonly kind: 'adopt'; readonly volume: Volume }
  | { readonly kind: 'make' }
  | { readonly kind: 'delete' }
  | { readonly kind: 'forget' }
  | { readonly kind: 'resize'; readonly sizeGb: number }
  | { readonly kind: 'op-over'; readonly failed: ProviderError | null }
  | { readonly kind: 'wait'; readonly at: number | null; readonly reason: string }
  | { readonly kind: 'refused'; readonly what: 'busy' | 'invalid' | 'not-found'; readonly why: string }
  | { readonly kind: 'settled' }

/** The life of a volume beside all machines, as a pure function: (row, what was seen, time) -> one step. */
export const decideVolume = (
  row: VolumeRow,
  seen: VolumeSeen,
  { now, caps }: { readonly now: number; readonly caps: Pick<Caps, 'latestLandingMs' | 'maxVisibilityLagMs'> },
): VolumeStep => {
  const landedBy = (row.sentAt ?? 0) + caps.latestLandingMs + caps.maxVisibilityLagMs
  return row.leaving ? leave(row, seen, { now, landedBy }) : keep(row, seen, { now, landedBy })
}

type Time = { readonly now: number; readonly landedBy: number }

const leave = (row: VolumeRow, { volume }: VolumeSeen, { now, landedBy }: Time): VolumeStep => {
  if (row.ref === null && row.sentAt === null) return { kind: 'forget' }
  if (volume === undefined) return { kind: 'look', at: 'volume' }
  if (volume === null)
    return now < landedBy
      ? { kind: 'wait', at: landedBy, reason: 'waiting until it can no longer come, for it was asked for' }
      : { kind: 'forget' }
  if (row.ref === null) return { kind: 'adopt', volume }
  if (volume.attachedTo === null) return { kind: 'delete' }
  return { kind: 'refused', what: 'busy', why: `volume ${row.name} is attached to ${volume.attachedTo}` }
}

const keep = (row: VolumeRow, { volume, progress }: VolumeSeen, { now, landedBy }: Time): VolumeStep => {
  if (row.wantGb === null) return { kind: 'settled' }
  // Its name, and its token where there is such a thing, make asking twice the same volume.
  if (row.ref === null) return { kind: 'make' }
  if (row.opRef !== null) {
    if (progress === undefined) return { kind: 'look', at: 'progress' }
    if (progress === 'running') return { kind: 'wait', at: null, reason: 'the provider makes it larger' }
    return { kind: 'op-over', failed: progress === 'done' ? null : progress.failed }
  }
  if (volume === undefined) return { kind: 'look', at: 'volume' }
  if (volume === null)
    return now < landedBy
      ? { kind: 'wait', at: null, reason: 'the provider does not show it yet' }
      : { kind: 'refused', what: 'not-found', why: `volume ${row.name} is not there any more; delete it first` }
  if (volume.sizeGb < row.wantGb) return { kind: 'resize', sizeGb: row.wantGb }
  if (volume.sizeGb === row.wantGb) return { kind: 'settled' }
  const why = `volume ${row.name} has ${volume.sizeGb} GB; it cannot shrink to ${row.wantGb}`
  return { kind: 'refused', what: 'invalid', why }
}

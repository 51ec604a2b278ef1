import { keptVolumes } from '../store/volumes.ts'
import { addNotice } from '../store/notices.ts'
import type { SystemRow } from '../store/row.ts'
import { forgetSighting, forgetUnseen, noteSighting } from '../store/sightings.ts'
import type { OpenPlace } from './places.ts'
import { isNewer, survey, type Owned, type SurveyDeps } from './survey.ts'

export type ReapDeps = SurveyDeps & {
  /** Between the two sightings that condemn a machine: at least 10 minutes, and never less than a create may take to land. */
  readonly sightingsApartMs: number
  /** At most so many per round, and at most a fifth of what is there. */
  readonly perRoundMax: number
  /** Says what it would destroy, and destroys nothing. */
  readonly dryRun: boolean
}

const belongs = (row: SystemRow, { vm, owner }: Owned): boolean => {
  // What was there before us, or was left by `forget`, is never ended by itself, not even when its system has ended.
  if (row.origin === 'imported' || row.managed === 'observe') return true
  if (row.phase === 'gone') return false
  if (row.ref === vm.ref) return true
  // Its create call may be under way, or its answer lost: the row will find it by itself.
  const same = row.generation === owner.generation && row.candidate === owner.candidate
  return row.ref === null && row.sentAt !== null && same
}

/** Machines of the place that belong to no life of their system, and were seen so twice, long enough apart. */
const condemnedOf = async (
  deps: ReapDeps,
  { place, provider }: OpenPlace,
  strays: readonly Owned[],
): Promise<Owned[]> => {
  const apartMs = Math.max(deps.sightingsApartMs, provider.caps.latestLandingMs)
  const condemned: Owned[] = []
  for (const one of strays) {
    const sighting = { ...place, ref: one.vm.ref, system: one.owner.vmId, ...one.owner }
    const { forMs, times } = await noteSighting(deps.sql, sighting, { certain: false })
    if (times >= 2 && forMs >= apartMs) condemned.push(one)
  }
  return condemned
}

const end = async (deps: ReapDeps, { place, provider }: OpenPlace, one: Owned, signal: AbortSignal): Promise<void> => {
  const { sql, log } = deps
  const { vm, owner } = one
  const what = { ...place, ref: vm.ref, system: owner.vmId }
  log.warn(what, 'a machine that belongs to no life of its system is destroyed')
  await noteSighting(sql, { ...what, ...owner }, { certain: true })
  await provider.destroy(vm.ref, { keep: await keptVolumes(sql, place) }, signal)
  await forgetSighting(sql, place, vm.ref)
  const text = `it belonged to no life of its system (generation ${owner.generation}.${owner.candidate})`
  await addNotice(sql, { kind: 'stray-destroyed', place, ref: vm.ref, system: owner.vmId, text })
}

const sayOnly = async ({ sql, log }: ReapDeps, { place }: OpenPlace, { vm, owner }: Owned): Promise<void> => {
  const what = { place, ref: vm.ref, system: owner.vmId }
  const known = await sql.query(`select 1 from core.notice where kind = 'stray-found' and ref = $1`, [vm.ref])
  if (known.rows.length > 0) return
  log.warn({ ...place, ...what }, 'dry run: a machine that belongs to no life of its system would be destroyed')
  await addNotice(sql, { ...what, kind: 'stray-found', text: 'dry run: it would be destroyed' })
}

const share = 0.2

/**
 * One round: lets machines that carry our mark and belong to no row be destroyed after two sightings, a few at a time.
 * Answers how many were.
 */
export const reap = async (deps: ReapDeps, one: OpenPlace, signal: AbortSignal): Promise<number> => {
  const { sql } = deps
  const { owned, rows, frozen } = await survey(deps, one, signal)
  await forgetUnseen(
    sql,
    one.place,
    owned.map(({ vm }) => vm.ref),
  )
  const strays = owned.filter(machine => {
    const row = rows.get(machine.owner.vmId)
    return row !== undefined && !isNewer(row, machine) && !belongs(row, machine)
  })
  const condemned = await condemnedOf(deps, one, strays)
  if (frozen) return 0
  const most = Math.min(deps.perRoundMax, Math.max(1, Math.floor(owned.length * share)))
  const now = condemned.slice(0, most)
  for (const machine of now) await (deps.dryRun ? sayOnly(deps, one, machine) : end(deps, one, machine, signal))
  return deps.dryRun ? 0 : now.length
}

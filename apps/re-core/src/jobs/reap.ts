import type { ObservedVm } from '@re-ops/protocols'
import { forgetSighting, forgetUnseen, noteSighting } from '../store/sightings.ts'
import { systemsById } from '../store/systems.ts'
import type { SystemRow } from '../store/row.ts'
import type { Sql } from '../store/sql.ts'
import type { OpenPlace } from './places.ts'
import { keptVolumes } from '../store/volumes.ts'

export type ReapDeps = {
  readonly sql: Sql
  readonly installation: string
  readonly now: () => number
  /** Between the two sightings that condemn a machine: at least 10 minutes, and never less than a create may take to land. */
  readonly sightingsApartMs: number
  /** At most so many per round. */
  readonly perRoundMax: number
  readonly log: { warn(fields: object, text: string): void }
}

type Owned = { readonly vm: ObservedVm; readonly owner: NonNullable<ObservedVm['owner']> }

const belongs = (row: SystemRow, { vm, owner }: Owned): boolean => {
  if (row.phase === 'gone') return false
  if (row.ref === vm.ref) return true
  // Its create call may be under way, or its answer lost: the row will find it by itself.
  const same = row.generation === owner.generation && row.candidate === owner.candidate
  return row.ref === null && row.sentAt !== null && same
}

/**
 * One round: list the provider fully (a partial list throws and ends the round), then read the rows, and let machines
 * that carry our mark and belong to no row be destroyed after two sightings. A mark of another installation is not
 * ours to judge; one of ours with a system we do not know means the database is older than the machine: an alarm, and
 * nothing is destroyed.
 */
export const reap = async (deps: ReapDeps, { place, provider }: OpenPlace, signal: AbortSignal): Promise<number> => {
  const { sql, log, now } = deps
  const owned: Owned[] = []
  for await (const vm of provider.list('owned', signal))
    if (vm.owner?.installation === deps.installation) owned.push({ vm, owner: vm.owner })
  const rows = new Map(
    (
      await systemsById(
        sql,
        owned.map(one => one.owner.vmId),
      )
    ).map(row => [row.id, row]),
  )
  await forgetUnseen(
    sql,
    place,
    owned.map(one => one.vm.ref),
  )
  let condemned = 0
  for (const one of owned) {
    const { vm, owner } = one
    const row = rows.get(owner.vmId)
    if (row === undefined) {
      log.warn(
        { ...place, ref: vm.ref, system: owner.vmId },
        'ALARM: a machine of ours whose system is unknown; is the database an old backup? It is left alone',
      )
      continue
    }
    if (belongs(row, one)) continue
    if (owner.generation > row.wantGeneration) {
      log.warn(
        { ...place, ref: vm.ref, system: row.id },
        'ALARM: a machine is newer than its row; is the database an old backup? It is left alone',
      )
      continue
    }
    const sighting = { ...place, ref: vm.ref, system: row.id, ...owner }
    const { firstAt, times } = await noteSighting(sql, sighting, { certain: false, at: now() })
    const apartMs = Math.max(deps.sightingsApartMs, provider.caps.latestLandingMs)
    if (times < 2 || now() - firstAt < apartMs || condemned >= deps.perRoundMax) continue
    condemned += 1
    log.warn({ ...place, ref: vm.ref, system: row.id }, 'a machine that belongs to no life of its system is destroyed')
    await noteSighting(sql, sighting, { certain: true, at: now() })
    await provider.destroy(vm.ref, { keep: await keptVolumes(sql, place) }, signal)
    await forgetSighting(sql, place, vm.ref)
  }
  return condemned
}

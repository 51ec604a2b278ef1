import type { Job, PutVolume, Volume, VolumeInfo } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { PoolClient } from 'pg'
import { attemptMs, attemptVolume } from '../jobs/free-volume.ts'
import { placeName, type PlaceKey } from '../providers/place.ts'
import { lastDetach } from '../store/jobs.ts'
import { holderOf } from '../store/systems.ts'
import { namesByRef } from '../store/volumes.ts'
import {
  forgetVolume,
  isMoving,
  unsettledVolumes,
  volumeByName,
  wantVolume,
  wantVolumeGone,
  writeVolume,
  type VolumeRow,
} from '../store/wanted-volumes.ts'
import { askSystem } from './ask.ts'
import type { Asked, ServiceDeps } from './deps.ts'
import { bound, extraOf, told, type Deps } from './extras.ts'
import { findSystem } from './find.ts'
import { jobView } from './view.ts'
import type { Wish } from './where.ts'

type Names = ReadonlyMap<string, string>
const stateOf = (row: VolumeRow | null): Pick<VolumeInfo, 'state' | 'error'> => {
  if (row === null) return { state: 'ready', error: null }
  const { nextAt, leaving, problem: error } = row
  if (nextAt === null) return { state: error === null ? 'ready' : 'failed', error }
  return { state: leaving ? 'leaving' : 'pending', error }
}

const view = (place: PlaceKey, volume: Volume, names: Names, row: VolumeRow | null = null): VolumeInfo => ({
  ...place,
  ...volume,
  system: volume.attachedTo === null ? null : (names.get(volume.attachedTo) ?? null),
  ...stateOf(row),
})

/** As far as its row knows it. */
const rowView = (row: VolumeRow): VolumeInfo => {
  const { provider, account, region, name, ref, wantGb, zone, wantZone } = row
  const known = { provider, account, region, name, ref, sizeGb: wantGb ?? 0, zone: zone ?? wantZone }
  return { ...known, attachedTo: null, system: null, ...stateOf(row) }
}

export const getVolumes = async (deps: Deps, wish: Wish): Promise<VolumeInfo[]> => {
  const { place, api } = await extraOf(deps, wish, 'volumes')
  const [names, unsettled] = [await namesByRef(deps.pool, place), await unsettledVolumes(deps.pool, place)]
  const rows = new Map(unsettled.map(row => [row.name, row]))
  const there = await told(api.list(bound()))
  const shown = new Set(there.map(one => one.name))
  return [
    ...there.map(one => view(place, one, names, rows.get(one.name))),
    ...unsettled.filter(row => !shown.has(row.name)).map(rowView),
  ]
}

/** One, by what is written down while something is under way, so that asking again and again costs no call. */
export const getVolume = async (deps: Deps, wish: Wish, name: string): Promise<VolumeInfo> => {
  const { place } = await extraOf(deps, wish, 'volumes')
  const row = await volumeByName(deps.pool, place, name)
  if (row !== null && (row.nextAt !== null || row.ref === null)) return rowView(row)
  const { volume } = await find(deps, wish, name)
  return view(place, volume, await namesByRef(deps.pool, place), row)
}

type Found = { place: PlaceKey; volume: Volume }
const find = async (deps: Deps, wish: Wish, name: string): Promise<Found> => {
  const found = await extraOf(deps, wish, 'volumes')
  const volume = (await told(found.api.list(bound()))).find(one => one.name === name)
  if (volume !== undefined) return { place: found.place, volume }
  throw new HttpProblem(404, 'no-such-volume', 'No such volume', `no volume ${name} in ${placeName(found.place)}`)
}

type Answer = { readonly status: 200 | 202; readonly volume: VolumeInfo }

/** Goes on with it within the request as far as that goes without waiting; a worker does the rest. */
const begun = async (deps: ServiceDeps, wish: Wish, row: VolumeRow): Promise<Answer> => {
  const end = await attemptVolume(deps, row.id, bound(), null)
  if (end.kind === 'gone') return { status: 200, volume: { ...rowView(row), state: 'gone', error: null } }
  if (end.kind === 'settled') return { status: 200, volume: await getVolume(deps, wish, row.name) }
  if (end.kind === 'waits' || end.kind === 'superseded')
    return { status: 202, volume: rowView(end.kind === 'waits' ? end.row : row) }
  // Who asked is told; of one that never was nothing is kept.
  const { ref, sentAt } = end.row
  if (ref === null && sentAt === null) await forgetVolume(deps.pool, end.row)
  else await writeVolume(deps.pool, end.row, { problem: null })
  return told(Promise.reject(end.error))
}

/** Makes it, or makes it larger. What is wanted is written down first: whoever dies, it comes to that, and once. */
export const putVolume = async (deps: ServiceDeps, wish: Wish, name: string, body: PutVolume): Promise<Answer> => {
  const { place } = await extraOf(deps, wish, 'volumes')
  const row = await wantVolume(deps.pool, place, { name, ...body }, deps.now() + attemptMs)
  if (row !== null) return begun(deps, wish, row)
  throw conflict('pending', 'It is under way', `volume ${name} is being made or deleted just now; ask again when it is`)
}

const elsewhere = (row: PlaceKey & { readonly name: string }, place: PlaceKey): HttpProblem =>
  new HttpProblem(
    422,
    'other-place',
    'The system is elsewhere',
    `${row.name} is in ${placeName(row)}, the volume in ${placeName(place)}; allowed: the same place`,
  )

const conflict = (kind: string, title: string, detail: string): HttpProblem => new HttpProblem(409, kind, title, detail)

/** A job of the system. Attached to its machine already is ok. */
export const attachVolume = async (
  deps: ServiceDeps,
  wish: Wish,
  { name, system }: { readonly name: string; readonly system: string },
  asked: Asked,
): Promise<Job> => {
  const { place, volume } = await find(deps, wish, name)
  const row = await findSystem(deps.pool, system)
  if (placeName(row) !== placeName(place)) throw elsewhere(row, place)
  if (volume.attachedTo !== null && volume.attachedTo !== row.ref) {
    const holder = (await namesByRef(deps.pool, place)).get(volume.attachedTo) ?? volume.attachedTo
    throw conflict('busy', 'The volume is attached', `volume ${name} is attached to ${holder}; detach it first`)
  }
  return askSystem(deps, row.id, { verb: 'attach', input: { volume: name } }, asked)
}

/** A job of the system whose machine has it. Of one that is off already: the job that took it off. */
export const detachVolume = async (deps: ServiceDeps, wish: Wish, name: string, asked: Asked): Promise<Job> => {
  const { place, volume } = await find(deps, wish, name)
  if (volume.attachedTo === null) {
    const last = await lastDetach(deps.pool, place, name)
    if (last !== null) return jobView(last)
    throw conflict('not-attached', 'It is attached to nothing', `volume ${name} is attached to no machine`)
  }
  const row = await deps.transaction(tx => holderOf(tx, place, volume.attachedTo ?? ''))
  if (row !== null) return askSystem(deps, row.id, { verb: 'detach', input: { volume: name } }, asked)
  const detail = `volume ${name} is attached to ${volume.attachedTo}, which is no system of ours; import it, or detach it there`
  throw conflict('not-ours', 'The machine is not ours', detail)
}

const refuseMoving = async (tx: PoolClient, row: VolumeRow): Promise<void> => {
  if (await isMoving(tx, row))
    throw conflict(
      'busy',
      'The volume is on its way',
      `volume ${row.name} is being attached or detached; wait for its job`,
    )
}

/** What is in it is lost. One that is attached is refused. */
export const removeVolume = async (deps: ServiceDeps, wish: Wish, name: string): Promise<Answer> => {
  const { place } = await extraOf(deps, wish, 'volumes')
  const known = await volumeByName(deps.pool, place, name)
  const volume = known !== null && known.system === null ? null : (await find(deps, wish, name)).volume
  const row = await deps.transaction(async tx => {
    const wanted = await wantVolumeGone(tx, place, { name, ref: volume?.ref ?? null }, deps.now() + attemptMs)
    await refuseMoving(tx, wanted)
    return wanted
  })
  const { status, volume: answer } = await begun(deps, wish, row)
  return { status, volume: volume === null ? answer : { ...answer, sizeGb: volume.sizeGb, zone: volume.zone } }
}

import type { Job, Provider, PutVolume, Volume, VolumeApi, VolumeInfo } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { placeName, type PlaceKey } from '../providers/place.ts'
import { lastDetach } from '../store/jobs.ts'
import { holderOf } from '../store/systems.ts'
import { deleteVolume, intendVolume, namesByRef, saveVolumeRef } from '../store/volumes.ts'
import { askSystem } from './ask.ts'
import type { Asked, ServiceDeps } from './deps.ts'
import { bound, completed, extraOf, told, type Deps } from './extras.ts'
import { findSystem } from './find.ts'
import { jobView } from './view.ts'
import type { Wish } from './where.ts'

const view = (place: PlaceKey, volume: Volume, names: ReadonlyMap<string, string>): VolumeInfo => ({
  ...place,
  ...volume,
  system: volume.attachedTo === null ? null : (names.get(volume.attachedTo) ?? null),
})

export const getVolumes = async (deps: Deps, wish: Wish): Promise<VolumeInfo[]> => {
  const { place, api } = await extraOf(deps, wish, 'volumes')
  const names = await namesByRef(deps.pool, place)
  return (await told(api.list(bound()))).map(one => view(place, one, names))
}

type Found = { place: PlaceKey; api: VolumeApi; provider: Provider; volume: Volume }
const find = async (deps: Deps, wish: Wish, name: string): Promise<Found> => {
  const found = await extraOf(deps, wish, 'volumes')
  const volume = (await told(found.api.list(bound()))).find(one => one.name === name)
  if (volume !== undefined) return { ...found, volume }
  throw new HttpProblem(404, 'no-such-volume', 'No such volume', `no volume ${name} in ${placeName(found.place)}`)
}

const now = async (deps: Deps, { place, api, volume }: Found): Promise<VolumeInfo> =>
  view(place, (await told(api.observe(volume.ref, bound()))) ?? volume, await namesByRef(deps.pool, place))

/** Makes it, or makes it larger. Its name is written down first, so a request sent again makes no second one. */
export const putVolume = async (deps: Deps, wish: Wish, name: string, body: PutVolume): Promise<VolumeInfo> => {
  const { place, api, provider } = await extraOf(deps, wish, 'volumes')
  const id = await intendVolume(deps.pool, place, name, deps.now())
  const volume = await told(api.ensure({ name, ...body, token: `rcv1-${id}` }, bound()))
  await saveVolumeRef(deps.pool, id, volume.ref)
  const signal = bound()
  if (volume.sizeGb !== body.sizeGb)
    await told(api.resize(volume.ref, body.sizeGb, signal).then(op => completed(provider, op, signal)))
  return now(deps, { place, api, provider, volume })
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

/** What is in it is lost. One that is attached is refused by the provider. */
export const removeVolume = async (deps: Deps, wish: Wish, name: string): Promise<VolumeInfo> => {
  const found = await find(deps, wish, name)
  await told(found.api.delete(found.volume.ref, bound()))
  await deleteVolume(deps.pool, found.place, name)
  return view(found.place, found.volume, new Map())
}

import type { Provider, PutVolume, Volume, VolumeApi, VolumeInfo } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { placeName, type PlaceKey } from '../providers/place.ts'
import { systemById, systemByName } from '../store/systems.ts'
import { deleteVolume, intendVolume, namesByRef, saveVolumeRef } from '../store/volumes.ts'
import { bound, completed, extraOf, told, type Deps } from './extras.ts'
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

const machineOf = async (deps: Deps, place: PlaceKey, idOrName: string): Promise<string> => {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(idOrName)
  const row = (isId ? await systemById(deps.pool, idOrName) : null) ?? (await systemByName(deps.pool, idOrName))
  if (row === null || row.phase === 'gone')
    throw new HttpProblem(404, 'no-such-system', 'No such system', `no system has the id or name ${idOrName}`)
  if (placeName(row) !== placeName(place))
    throw new HttpProblem(
      422,
      'other-place',
      'The system is elsewhere',
      `${row.name} is in ${placeName(row)}, the volume in ${placeName(place)}; allowed: the same place`,
    )
  if (row.ref !== null) return row.ref
  throw new HttpProblem(409, 'no-machine', 'The system has no machine yet', `${row.name} is ${row.phase}; wait for it`)
}

/** Attached to the same machine already is ok. */
export const attachVolume = async (deps: Deps, wish: Wish, name: string, system: string): Promise<VolumeInfo> => {
  const found = await find(deps, wish, name)
  const machine = await machineOf(deps, found.place, system)
  const signal = bound()
  await told(found.api.attach(found.volume.ref, machine, signal).then(op => completed(found.provider, op, signal)))
  return now(deps, found)
}

export const detachVolume = async (deps: Deps, wish: Wish, name: string): Promise<VolumeInfo> => {
  const found = await find(deps, wish, name)
  const signal = bound()
  await told(found.api.detach(found.volume.ref, signal).then(op => completed(found.provider, op, signal)))
  return now(deps, found)
}

/** What is in it is lost. One that is attached is refused by the provider. */
export const removeVolume = async (deps: Deps, wish: Wish, name: string): Promise<VolumeInfo> => {
  const found = await find(deps, wish, name)
  await told(found.api.delete(found.volume.ref, bound()))
  await deleteVolume(deps.pool, found.place, name)
  return view(found.place, found.volume, new Map())
}

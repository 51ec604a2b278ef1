import { randomUUID } from 'node:crypto'
import { addTag, beginAction, found, unprocessable, Refusal, type Cloud, type Volume } from './cloud.ts'
import { accepted, created, nothing, ok, page, route, type Call, type Route } from './route.ts'
import { actionShape, snapshotShape, volumeShape } from './shapes.ts'

type CreateVolume = {
  name: string
  description?: string
  region: string
  size_gigabytes: number
  filesystem_type?: string
  tags?: readonly string[] | null
}
type VolumeAction = { type: string; droplet_id?: number; size_gigabytes?: number; region?: string }

const gigabytesMax = 16_384
const volume = ({ cloud, params }: Call): Volume => found(cloud.volumes, params[0] ?? '')

const create = ({ cloud, body }: Call) => {
  const asked = body as CreateVolume
  if ([...cloud.volumes.values()].some(one => one.name === asked.name && one.region === asked.region))
    throw new Refusal(409, 'conflict', 'a volume with this name already exists in this region')
  if (asked.size_gigabytes < 1 || asked.size_gigabytes > gigabytesMax)
    throw unprocessable(`disk size must be between 1 GB and ${gigabytesMax} GB`)
  const made: Volume = {
    id: randomUUID(),
    name: asked.name,
    description: asked.description ?? '',
    region: asked.region,
    gigabytes: asked.size_gigabytes,
    filesystem: asked.filesystem_type ?? '',
    tags: new Set(),
    droplet: null,
    createdAt: cloud.clock.now(),
  }
  for (const name of asked.tags ?? []) addTag(cloud, made.tags, name)
  cloud.volumes.set(made.id, made)
  return created({ volume: volumeShape(cloud, made) })
}

const attach = (cloud: Cloud, one: Volume, droplet: number): (() => void) => {
  const machine = found(cloud.droplets, droplet)
  if (machine.region !== one.region) throw unprocessable('volume and droplet must be in the same region')
  if (one.droplet === droplet) throw unprocessable('volume is already attached to this droplet')
  if (one.droplet !== null) throw unprocessable('volume is already attached to another droplet')
  return () => void (one.droplet = droplet)
}
const effectOf = (cloud: Cloud, one: Volume, asked: VolumeAction): (() => void) => {
  if (asked.type === 'attach') return attach(cloud, one, asked.droplet_id ?? 0)
  if (asked.type === 'detach') {
    if (one.droplet === null) throw unprocessable('volume is not attached')
    return () => void (one.droplet = null)
  }
  const gigabytes = asked.size_gigabytes ?? 0
  if (gigabytes <= one.gigabytes) throw unprocessable('disk size can only be increased')
  return () => void (one.gigabytes = gigabytes)
}
const actionTypes = { attach: 'attach_volume', detach: 'detach_volume', resize: 'resize_volume' } as const

const act = (call: Call) => {
  const { cloud, body } = call
  const one = volume(call)
  const asked = body as VolumeAction
  const type = actionTypes[asked.type as keyof typeof actionTypes]
  const effect = effectOf(cloud, one, asked)
  const resource = { type: 'volume', id: null } as const
  const times = { region: one.region, afterMs: cloud.delays.actMs }
  return accepted({
    action: actionShape(
      cloud,
      beginAction(cloud, type, resource, times, done => done && effect()),
    ),
  })
}

const listed = ({ cloud, query }: Call): Volume[] =>
  [...cloud.volumes.values()]
    .filter(one => (query.get('name') ?? one.name) === one.name)
    .filter(one => (query.get('region') ?? one.region) === one.region)

const remove = (cloud: Cloud, one: Volume) => {
  if (one.droplet !== null)
    throw new Refusal(409, 'conflict', 'A volume that is attached to a Droplet cannot be deleted')
  cloud.volumes.delete(one.id)
  return nothing
}

export const volumeRoutes: readonly Route[] = [
  route('GET /v2/volumes', 'volumes.list', call =>
    page(
      call,
      '/v2/volumes',
      'volumes',
      listed(call).map(one => volumeShape(call.cloud, one)),
    ),
  ),
  route('POST /v2/volumes', 'volumes.create', create),
  route('GET /v2/volumes/:', 'volumes.get', call => ok({ volume: volumeShape(call.cloud, volume(call)) })),
  route('DELETE /v2/volumes/:', 'volumes.delete', call => remove(call.cloud, volume(call))),
  route('POST /v2/volumes/:/actions', 'volumes.act', act),
  route('GET /v2/volumes/:/actions/:', 'volumes.action', ({ cloud, params }) =>
    ok({ action: actionShape(cloud, found(cloud.actions, Number(params[1]))) }),
  ),
  route('POST /v2/volumes/:/snapshots', 'volumes.snapshot', call => {
    const { cloud, body } = call
    const one = volume(call)
    const id = randomUUID()
    const snapshot = {
      id,
      name: String(body['name']),
      of: 'volume' as const,
      source: one.id,
      region: one.region,
      minDisk: one.gigabytes,
      tags: new Set<string>(),
      createdAt: cloud.clock.now(),
    }
    cloud.snapshots.set(id, snapshot)
    return created({ snapshot: snapshotShape(snapshot) })
  }),
]

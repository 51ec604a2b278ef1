import { createHash } from 'node:crypto'
import { baseImages, regions, sizes } from './catalog.ts'
import { addTag, beginAction, found, notFound, Refusal, unprocessable, type Cloud, type SshKey } from './cloud.ts'
import { accepted, created, nothing, ok, page, route, type Call, type Route } from './route.ts'
import {
  actionShape,
  baseImageShape,
  imageShape,
  keyShape,
  regionShape,
  reservedIpShape,
  sizeShape,
  snapshotImageShape,
  snapshotShape,
  tagShape,
} from './shapes.ts'

const account = ({ cloud }: Call) =>
  ok({
    account: {
      droplet_limit: cloud.dropletLimit,
      floating_ip_limit: 3,
      email: 'sammy@example.com',
      name: 'Sammy',
      uuid: 'b6fr89dbf6d9156cace5f3c78dc9851d957381ef',
      email_verified: true,
      status: 'active',
      status_message: '',
    },
  })

const fingerprint = (publicKey: string): string => {
  const blob = Buffer.from(publicKey.trim().split(/\s+/)[1] ?? '', 'base64')
  if (blob.length === 0) throw unprocessable('Key invalid, check your key and try again.')
  return (createHash('md5').update(blob).digest('hex').match(/../g) ?? []).join(':')
}
const createKey = ({ cloud, body }: Call) => {
  const publicKey = String(body['public_key'])
  const print = fingerprint(publicKey)
  if ([...cloud.keys.values()].some(one => one.fingerprint === print))
    throw unprocessable('SSH Key is already in use on your account')
  const key: SshKey = { id: cloud.nextId(), fingerprint: print, publicKey, name: String(body['name']) }
  cloud.keys.set(key.id, key)
  return created({ ssh_key: keyShape(key) })
}
const key = ({ cloud, params }: Call): SshKey => {
  const one = [...cloud.keys.values()].find(own => String(own.id) === params[0] || own.fingerprint === params[0])
  if (one === undefined) throw notFound()
  return one
}

/** What can carry a tag, by the kinds that the API names. */
const tagged = (cloud: Cloud, kind: string, id: string): Set<string> => {
  if (kind === 'droplet') return found(cloud.droplets, Number(id)).tags
  if (kind === 'volume') return found(cloud.volumes, id).tags
  return found(cloud.snapshots, id).tags
}
const tagAll = (call: Call, change: (tags: Set<string>, name: string) => void) => {
  const name = call.params[0] ?? ''
  if (!call.cloud.tags.has(name)) throw notFound()
  for (const one of call.body['resources'] as readonly { resource_id: string; resource_type: string }[])
    change(tagged(call.cloud, one.resource_type, one.resource_id), name)
  return nothing
}
const deleteTag = ({ cloud, params }: Call) => {
  const name = params[0] ?? ''
  if (!cloud.tags.delete(name)) throw notFound()
  for (const all of [cloud.droplets, cloud.volumes, cloud.snapshots])
    for (const one of all.values()) one.tags.delete(name)
  return nothing
}
const createTag = ({ cloud, body }: Call) => {
  const name = String(body['name'])
  if (!/^[a-zA-Z0-9_\-:]{1,255}$/.test(name)) throw unprocessable('Tag name is invalid')
  addTag(cloud, new Set(), name)
  return created({ tag: tagShape(cloud, name) })
}

const images = ({ cloud, query }: Call) => [
  ...(query.get('private') === 'true' ? [] : baseImages.map(baseImageShape)),
  ...[...cloud.snapshots.values()].filter(one => one.of === 'droplet').map(snapshotImageShape),
]
const image = ({ cloud, params }: Call) => {
  const wanted = params[0] ?? ''
  const shape = imageShape(cloud, /^\d+$/.test(wanted) ? Number(wanted) : wanted)
  if (shape === null) throw notFound()
  return ok({ image: shape })
}
const deleteSnapshot = ({ cloud, params }: Call) => {
  if (!cloud.snapshots.delete(params[0] ?? '')) throw notFound()
  return nothing
}

const reserve = ({ cloud, body }: Call) => {
  const droplet = body['droplet_id'] === undefined ? null : found(cloud.droplets, Number(body['droplet_id']))
  const region = droplet?.region ?? String(body['region'])
  const made = { ip: `198.51.100.${cloud.reservedIps.size + 1}`, region, droplet: droplet?.id ?? null }
  if (cloud.reservedIps.size >= 3) throw new Refusal(422, 'unprocessable_entity', 'reserved ip limit reached')
  cloud.reservedIps.set(made.ip, made)
  return accepted({ reserved_ip: reservedIpShape(cloud, made), links: {} })
}
const assign = ({ cloud, params, body }: Call) => {
  const ip = found(cloud.reservedIps, params[0] ?? '')
  const droplet = body['type'] === 'assign' ? found(cloud.droplets, Number(body['droplet_id'])).id : null
  const type = droplet === null ? 'unassign_ip' : 'assign_ip'
  const times = { region: ip.region, afterMs: cloud.delays.actMs }
  const action = beginAction(cloud, type, { type: 'reserved_ip', id: null }, times, ok => {
    if (ok) ip.droplet = droplet
  })
  return created({ action: actionShape(cloud, action) })
}

const list = (path: string, key: string, all: (call: Call) => readonly unknown[]) => (call: Call) =>
  page(call, path, key, all(call))

export const accountRoutes: readonly Route[] = [
  route('GET /v2/account', 'account.get', account),
  route(
    'GET /v2/account/keys',
    'keys.list',
    list('/v2/account/keys', 'ssh_keys', ({ cloud }) => [...cloud.keys.values()].map(keyShape)),
  ),
  route('POST /v2/account/keys', 'keys.create', createKey),
  route('GET /v2/account/keys/:', 'keys.get', call => ok({ ssh_key: keyShape(key(call)) })),
  route('DELETE /v2/account/keys/:', 'keys.delete', call => {
    call.cloud.keys.delete(key(call).id)
    return nothing
  }),
  route(
    'GET /v2/sizes',
    'sizes.list',
    list('/v2/sizes', 'sizes', ({ cloud }) => sizes.map(one => sizeShape(cloud, one.slug))),
  ),
  route(
    'GET /v2/regions',
    'regions.list',
    list('/v2/regions', 'regions', ({ cloud }) => regions.map(one => regionShape(cloud, one.slug))),
  ),
  route('GET /v2/images', 'images.list', list('/v2/images', 'images', images)),
  route('GET /v2/images/:', 'images.get', image),
  route(
    'GET /v2/tags',
    'tags.list',
    list('/v2/tags', 'tags', ({ cloud }) => [...cloud.tags].map(name => tagShape(cloud, name))),
  ),
  route('POST /v2/tags', 'tags.create', createTag),
  route('GET /v2/tags/:', 'tags.get', ({ cloud, params }) => {
    if (!cloud.tags.has(params[0] ?? '')) throw notFound()
    return ok({ tag: tagShape(cloud, params[0] ?? '') })
  }),
  route('DELETE /v2/tags/:', 'tags.delete', deleteTag),
  route('POST /v2/tags/:/resources', 'tags.tag', call => tagAll(call, (tags, name) => addTag(call.cloud, tags, name))),
  route('DELETE /v2/tags/:/resources', 'tags.untag', call => tagAll(call, (tags, name) => void tags.delete(name))),
  route(
    'GET /v2/snapshots',
    'snapshots.list',
    list('/v2/snapshots', 'snapshots', ({ cloud, query }) =>
      [...cloud.snapshots.values()].filter(one => (query.get('resource_type') ?? one.of) === one.of).map(snapshotShape),
    ),
  ),
  route('GET /v2/snapshots/:', 'snapshots.get', ({ cloud, params }) =>
    ok({ snapshot: snapshotShape(found(cloud.snapshots, params[0] ?? '')) }),
  ),
  route('DELETE /v2/snapshots/:', 'snapshots.delete', deleteSnapshot),
  route(
    'GET /v2/reserved_ips',
    'reservedIps.list',
    list('/v2/reserved_ips', 'reserved_ips', ({ cloud }) =>
      [...cloud.reservedIps.values()].map(one => reservedIpShape(cloud, one)),
    ),
  ),
  route('POST /v2/reserved_ips', 'reservedIps.create', reserve),
  route('DELETE /v2/reserved_ips/:', 'reservedIps.delete', ({ cloud, params }) => {
    found(cloud.reservedIps, params[0] ?? '')
    cloud.reservedIps.delete(params[0] ?? '')
    return nothing
  }),
  route('POST /v2/reserved_ips/:/actions', 'reservedIps.act', assign),
]

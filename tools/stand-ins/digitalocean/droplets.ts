import { regions, sizes } from './catalog.ts'
import { addTag, beginAction, unprocessable, type Action, type Cloud, type Droplet } from './cloud.ts'
import { imageShape } from './shapes.ts'

/** The fields of a create request that mean something here. */
export type CreateDroplet = {
  name: string
  region?: string
  size: string
  image: string | number
  tags?: readonly string[] | null
  ssh_keys?: readonly (string | number)[]
  user_data?: string
  volumes?: readonly string[]
}

const userDataBytesMax = 64 * 1024
const region = (wanted: string | undefined): string => {
  const known = regions.find(one => one.slug === (wanted ?? 'nyc3'))
  if (known === undefined) throw unprocessable('You specified an invalid region for Droplet creation.')
  return known.slug
}

const checked = (cloud: Cloud, body: CreateDroplet) => {
  const size = sizes.find(one => one.slug === body.size)
  if (size === undefined) throw unprocessable('You specified an invalid size for Droplet creation.')
  const place = region(body.region)
  if (cloud.soldOut.has(`${size.slug}@${place}`)) throw unprocessable('Size is not available in this region.')
  if (imageShape(cloud, body.image) === null)
    throw unprocessable('You specified an invalid image for Droplet creation.')
  if (Buffer.byteLength(body.user_data ?? '') > userDataBytesMax)
    throw unprocessable('User data is too long (maximum is 65536 bytes)')
  if (cloud.droplets.size >= cloud.dropletLimit)
    throw unprocessable('creating this/these droplet(s) will exceed your droplet limit')
  return { size, place }
}

const keyIds = (cloud: Cloud, wanted: readonly (string | number)[]): number[] =>
  wanted.map(one => {
    const key = [...cloud.keys.values()].find(known => known.id === Number(one) || known.fingerprint === one)
    if (key === undefined) throw unprocessable(`${one} are invalid key identifiers for Droplet creation.`)
    return key.id
  })

const tell = (cloud: Cloud, { id, userData }: Droplet, state: 'running' | 'stopped' | 'terminated'): void =>
  cloud.onState({ id: String(id), state, userData })
const boot = (cloud: Cloud, droplet: Droplet): void => {
  droplet.status = 'active'
  droplet.boots += 1
  tell(cloud, droplet, 'running')
}

const address = (id: number, network: string): string => `${network}.${(id >> 8) & 255}.${id & 255}`

/** 202: the droplet is promised; whether it comes, its create action tells. */
export const createDroplet = (cloud: Cloud, body: CreateDroplet): { droplet: Droplet; action: Action } => {
  const { size, place } = checked(cloud, body)
  const { clock, delays } = cloud
  const now = clock.now()
  const id = cloud.nextId()
  const droplet: Droplet = {
    id,
    name: body.name,
    status: 'new',
    size: size.slug,
    disk: size.disk,
    image: body.image,
    region: place,
    tags: new Set(),
    createdAt: now,
    listedAt: now + Math.max(delays.listMs, delays.showMs),
    shownAt: now + delays.showMs,
    address: address(id, '203.0'),
    privateAddress: address(id, '10.0'),
    sshKeys: keyIds(cloud, body.ssh_keys ?? []),
    userData: body.user_data ?? null,
    pending: null,
    deaf: false,
    boots: 0,
  }
  cloud.droplets.set(id, droplet)
  const tag = () => {
    for (const name of body.tags ?? []) addTag(cloud, droplet.tags, name)
  }
  if (delays.tagMs === 0) tag()
  else clock.at(now + delays.tagMs, tag)
  const times = { region: place, afterMs: delays.createMs }
  const action = beginAction(cloud, 'create', { type: 'droplet', id }, times, ok => {
    droplet.pending = null
    if (!ok) return void cloud.droplets.delete(id)
    boot(cloud, droplet)
  })
  droplet.pending = action
  return { droplet, action }
}

/** Its volumes stay, and so do the tag objects. */
export const deleteDroplet = (cloud: Cloud, droplet: Droplet): void => {
  if (droplet.pending !== null) throw unprocessable('Droplet already has a pending event.')
  cloud.droplets.delete(droplet.id)
  tell(cloud, droplet, 'terminated')
  for (const volume of cloud.volumes.values()) if (volume.droplet === droplet.id) volume.droplet = null
  for (const wall of cloud.firewalls.values()) wall.droplets = wall.droplets.filter(id => id !== droplet.id)
  for (const ip of cloud.reservedIps.values()) if (ip.droplet === droplet.id) ip.droplet = null
  const resource = { type: 'droplet', id: droplet.id } as const
  beginAction(cloud, 'destroy', resource, { region: droplet.region, afterMs: 0 }, () => {})
}

export type DropletAction = { type: string; size?: string; disk?: boolean; name?: string; image?: string | number }

const changeSize = (cloud: Cloud, droplet: Droplet, { size: wanted, disk }: DropletAction): (() => void) => {
  const size = sizes.find(one => one.slug === wanted)
  if (size === undefined) throw unprocessable('You specified an invalid size for Droplet resize.')
  if (droplet.status !== 'off') throw unprocessable('Droplet must be powered off before resizing.')
  if (cloud.soldOut.has(`${size.slug}@${droplet.region}`)) throw unprocessable('Size is not available in this region.')
  if (size.slug === droplet.size) throw unprocessable('Droplet is already this size.')
  if (size.disk < droplet.disk) throw unprocessable('This size is not available because it has a smaller disk.')
  return () => {
    droplet.size = size.slug
    if (disk === true) droplet.disk = size.disk
  }
}

const snapshot = (cloud: Cloud, droplet: Droplet, name: string): (() => void) => {
  const id = String(cloud.nextId())
  return () =>
    void cloud.snapshots.set(id, {
      id,
      name,
      of: 'droplet',
      source: String(droplet.id),
      region: droplet.region,
      minDisk: droplet.disk,
      tags: new Set(),
      createdAt: cloud.clock.now(),
    })
}

const powered = (cloud: Cloud, droplet: Droplet, wanted: 'active' | 'off'): (() => void) => {
  if (droplet.status === wanted)
    throw unprocessable(`Droplet is already powered ${wanted === 'active' ? 'on' : 'off'}.`)
  return () => {
    if (wanted === 'active') return boot(cloud, droplet)
    droplet.status = wanted
    tell(cloud, droplet, 'stopped')
  }
}
const restart = (cloud: Cloud, droplet: Droplet) => (): void => {
  tell(cloud, droplet, 'stopped')
  boot(cloud, droplet)
}

/** What the action will do; throws when it is refused at once. */
const effectOf = (cloud: Cloud, droplet: Droplet, asked: DropletAction): (() => void) => {
  switch (asked.type) {
    case 'power_on':
      return powered(cloud, droplet, 'active')
    case 'power_off':
    case 'shutdown':
      return powered(cloud, droplet, 'off')
    case 'reboot':
      if (droplet.status !== 'active') throw unprocessable('Droplet is powered off.')
      return restart(cloud, droplet)
    case 'power_cycle':
      return restart(cloud, droplet)
    case 'resize':
      return changeSize(cloud, droplet, asked)
    case 'rename':
      return () => void (droplet.name = asked.name ?? droplet.name)
    case 'snapshot':
      return snapshot(cloud, droplet, asked.name ?? droplet.name)
    case 'rebuild':
    case 'restore':
      if (imageShape(cloud, asked.image ?? '') === null) throw unprocessable('You specified an invalid image.')
      return () => void (droplet.image = asked.image ?? droplet.image)
    case 'password_reset':
      return () => {}
    default:
      throw unprocessable(`${asked.type} is not a known action here.`)
  }
}

/** One at a time: a second is refused while the first is under way. */
export const actOnDroplet = (cloud: Cloud, droplet: Droplet, asked: DropletAction): Action => {
  if (droplet.pending !== null) throw unprocessable('Droplet already has a pending event.')
  const effect = effectOf(cloud, droplet, asked)
  const type = asked.type as Action['type']
  if (type === 'shutdown' && droplet.deaf) cloud.spoiled.push('shutdown')
  const resource = { type: 'droplet', id: droplet.id } as const
  const action = beginAction(cloud, type, resource, { region: droplet.region, afterMs: cloud.delays.actMs }, ok => {
    droplet.pending = null
    if (ok) effect()
  })
  droplet.pending = action
  return action
}

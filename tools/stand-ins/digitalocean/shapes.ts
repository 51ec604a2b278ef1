import { baseImages, regions, sizes } from './catalog.ts'
import type { Action, Cloud, Droplet, Firewall, ReservedIp, Snapshot, SshKey, Volume } from './cloud.ts'

type Json = Record<string, unknown>
const iso = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

export const sizeShape = (cloud: Cloud, slug: string): Json => {
  const size = sizes.find(one => one.slug === slug)
  const open = regions.map(one => one.slug).filter(region => !cloud.soldOut.has(`${slug}@${region}`))
  return { ...size, regions: open, available: open.length > 0, description: 'Basic' }
}
export const regionShape = (cloud: Cloud, slug: string): Json => ({
  slug,
  name: regions.find(one => one.slug === slug)?.name ?? slug,
  features: ['backups', 'ipv6', 'metadata', 'storage', 'image_transfer'],
  available: true,
  sizes: sizes.map(one => one.slug).filter(size => !cloud.soldOut.has(`${size}@${slug}`)),
})

const image = (more: Json): Json => ({
  public: true,
  regions: regions.map(one => one.slug),
  created_at: '2026-08-01T00:00:00Z',
  min_disk_size: 10,
  size_gigabytes: 0.6,
  description: '',
  tags: [],
  status: 'available',
  ...more,
})
export const baseImageShape = (one: (typeof baseImages)[number]): Json => image({ ...one, type: 'base' })
/** A droplet's snapshot is an image too. */
export const snapshotImageShape = (one: Snapshot): Json =>
  image({
    id: Number(one.id),
    name: one.name,
    distribution: 'Debian',
    slug: null,
    public: false,
    type: 'snapshot',
    regions: [one.region],
    created_at: iso(one.createdAt),
    min_disk_size: one.minDisk,
    size_gigabytes: 1.2,
    tags: [...one.tags],
  })
export const imageShape = (cloud: Cloud, wanted: number | string): Json | null => {
  const base = baseImages.find(one => one.id === wanted || one.slug === wanted)
  if (base !== undefined) return baseImageShape(base)
  const own = cloud.snapshots.get(String(wanted))
  return own?.of === 'droplet' ? snapshotImageShape(own) : null
}

const addresses = (cloud: Cloud, droplet: Droplet): Json[] =>
  droplet.status === 'new'
    ? []
    : [
        { ip_address: droplet.address, netmask: '255.255.240.0', gateway: '203.0.112.1', type: 'public' },
        { ip_address: droplet.privateAddress, netmask: '255.255.240.0', gateway: '10.0.0.1', type: 'private' },
        ...[...cloud.reservedIps.values()]
          .filter(one => one.droplet === droplet.id)
          .map(one => ({ ip_address: one.ip, netmask: '255.255.255.0', gateway: '198.51.100.254', type: 'public' })),
      ]

export const dropletShape = (cloud: Cloud, droplet: Droplet): Json => {
  const size = sizeShape(cloud, droplet.size)
  const of = (droplets: 'droplet' | 'volume') => (one: Snapshot) =>
    one.of === droplets && one.source === String(droplet.id)
  return {
    id: droplet.id,
    name: droplet.name,
    memory: size['memory'],
    vcpus: size['vcpus'],
    disk: droplet.disk,
    locked: droplet.pending !== null,
    status: droplet.status,
    kernel: null,
    created_at: iso(droplet.createdAt),
    features: ['droplet_agent', 'private_networking'],
    backup_ids: [],
    next_backup_window: null,
    snapshot_ids: [...cloud.snapshots.values()].filter(of('droplet')).map(one => Number(one.id)),
    image: imageShape(cloud, droplet.image) ?? baseImageShape(baseImages[0] as (typeof baseImages)[number]),
    volume_ids: [...cloud.volumes.values()].filter(one => one.droplet === droplet.id).map(one => one.id),
    size,
    size_slug: droplet.size,
    networks: { v4: addresses(cloud, droplet), v6: [] },
    region: regionShape(cloud, droplet.region),
    tags: [...droplet.tags],
    vpc_uuid: '760e09ef-dc84-11e8-981e-3cfdfeaae000',
  }
}

export const actionShape = (cloud: Cloud, action: Action): Json => ({
  id: action.id,
  status: action.status,
  type: action.type,
  started_at: iso(action.startedAt),
  completed_at: action.completedAt === null ? null : iso(action.completedAt),
  resource_id: action.resource.id,
  resource_type: action.resource.type,
  region: regionShape(cloud, action.region),
  region_slug: action.region,
})

export const volumeShape = (cloud: Cloud, volume: Volume): Json => ({
  id: volume.id,
  name: volume.name,
  description: volume.description,
  droplet_ids: volume.droplet === null ? [] : [volume.droplet],
  size_gigabytes: volume.gigabytes,
  region: regionShape(cloud, volume.region),
  filesystem_type: volume.filesystem,
  filesystem_label: '',
  created_at: iso(volume.createdAt),
  tags: [...volume.tags],
})

export const snapshotShape = (one: Snapshot): Json => ({
  id: one.id,
  name: one.name,
  created_at: iso(one.createdAt),
  regions: [one.region],
  min_disk_size: one.minDisk,
  size_gigabytes: 1.2,
  resource_id: one.source,
  resource_type: one.of,
  tags: [...one.tags],
})

export const keyShape = (key: SshKey): Json => ({
  id: key.id,
  fingerprint: key.fingerprint,
  public_key: key.publicKey,
  name: key.name,
})

export const firewallShape = (firewall: Firewall): Json => ({
  id: firewall.id,
  name: firewall.name,
  status: 'succeeded',
  created_at: iso(firewall.createdAt),
  pending_changes: [],
  inbound_rules: firewall.inbound,
  outbound_rules: firewall.outbound,
  droplet_ids: firewall.droplets,
  tags: firewall.tags,
})

export const tagShape = (cloud: Cloud, name: string): Json => {
  const count = (all: Iterable<{ readonly tags: ReadonlySet<string> }>) =>
    [...all].filter(one => one.tags.has(name)).length
  const droplets = count(cloud.droplets.values())
  const volumes = count(cloud.volumes.values())
  const snapshots = count(cloud.snapshots.values())
  return {
    name,
    resources: {
      count: droplets + volumes + snapshots,
      droplets: { count: droplets },
      images: { count: 0 },
      volumes: { count: volumes },
      volume_snapshots: { count: snapshots },
      databases: { count: 0 },
    },
  }
}

export const reservedIpShape = (cloud: Cloud, one: ReservedIp): Json => {
  const droplet = one.droplet === null ? undefined : cloud.droplets.get(one.droplet)
  return {
    ip: one.ip,
    region: regionShape(cloud, one.region),
    droplet: droplet === undefined ? null : dropletShape(cloud, droplet),
    locked: false,
    project_id: '746c6152-2fa2-11ed-92d3-27aaa54e4988',
  }
}

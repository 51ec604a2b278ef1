/**
 * `df -P -k` (POSIX; GNU and busybox alike) joined with /proc/mounts for the type. Kernel and memory file systems are
 * left out, and so are bind mounts: of each block device the shortest mount point stands for it.
 */
export type Mount = {
  mount: string
  device: string
  fs: string
  totalBytes: number
  usedBytes: number
  availableBytes: number
  /** As df's Capacity: what is used of what ordinary users can use, 0 to 1. */
  used: number
}

export const dfScript = 'echo "== df"; df -P -k 2>/dev/null; echo "== mounts"; cat /proc/mounts'

const notDisks = new Set(
  'autofs bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs mqueue nsfs proc pstore ramfs rpc_pipefs securityfs squashfs sysfs tmpfs tracefs'.split(
    ' ',
  ),
)

export const mounts = (df: string | undefined, procMounts: string | undefined): Mount[] => {
  const types = new Map((procMounts ?? '').split('\n').map(typeOf))
  const all = (df ?? '').split('\n').flatMap(line => mountOf(line, types))
  if (all.length === 0) throw new Error('no file systems in the output of df')
  const disks = all
    .filter(one => one.mount === '/' || (one.totalBytes > 0 && !notDisks.has(one.fs)))
    .sort((a, b) => a.mount.length - b.mount.length || (a.mount < b.mount ? -1 : 1))
  const seen = new Set<string>()
  return disks
    .filter(one => !one.device.startsWith('/') || (!seen.has(one.device) && seen.add(one.device)))
    .sort((a, b) => (a.mount < b.mount ? -1 : 1))
}

/** The mount point and type of a line of /proc/mounts, where a blank is written \040. Of two on one point the later counts. */
const typeOf = (line: string): [string, string] => {
  const [, mount = '', type = ''] = line.split(' ')
  return [mount.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), type]
}

const mountOf = (line: string, types: ReadonlyMap<string, string>): Mount[] => {
  const match = /^(.+?)\s+(\d+)\s+(\d+)\s+(-?\d+)\s+(?:-?\d+%|-)\s+(\/.*)$/.exec(line)
  if (!match) return []
  const [, device = '', total, used, available, mount = ''] = match
  const usable = Number(used) + Math.max(0, Number(available))
  return [
    {
      mount,
      device,
      fs: types.get(mount) ?? 'unknown',
      totalBytes: Number(total) * 1024,
      usedBytes: Number(used) * 1024,
      availableBytes: Math.max(0, Number(available)) * 1024,
      used: usable === 0 ? 0 : Number(used) / usable,
    },
  ]
}

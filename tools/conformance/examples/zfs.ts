import type { Family } from '../example.ts'
import { running, stopping, without } from './scripts.ts'

/** ZFS that runs as a process (FUSE), with a pool of two files: real, if old, wherever there is no module for the kernel. */
const setUp = `mkdir -p /etc/zfs /run/zfs /run/lock/zfs
${running('reops-zfs', 'zfs-fuse --no-daemon')}
n=0; until zpool list >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 100 ]; sleep 0.1; done
truncate -s 100M /srv/zfs-one /srv/zfs-two; zpool create tank mirror /srv/zfs-one /srv/zfs-two
zfs create tank/home; zfs snapshot tank/home@monday; zfs set compression=on tank/home; zfs snapshot tank/home@tuesday`
const gone = 'zfs destroy tank/home@now 2>/dev/null || :'
const snapshot = { dataset: 'tank/home', name: 'now' }
const exit = { kind: 'exit', code: 1 } as const
const notInstalled = { name: 'not installed', ...without('zfs', 'zpool'), fails: { kind: 'exit', code: 127 } } as const

export const zfs: Family = {
  name: 'zfs',
  needs: ['zfs-fuse'],
  setUp,
  cleanUp: `zpool destroy tank; ${stopping('reops-zfs')}`,
  examples: [
    { operation: 'zfs.datasets', gives: [{ name: 'tank/home', mountpoint: '/tank/home' }] },
    { operation: 'zfs.datasets', name: 'no such dataset', input: { dataset: 'none' }, fails: exit },
    { operation: 'zfs.pools', gives: [{ name: 'tank', health: 'ONLINE' }] },
    { operation: 'zfs.pools', ...notInstalled },
    { operation: 'zfs.scrub', input: { pool: 'tank' }, gives: { changed: true } },
    { operation: 'zfs.scrub', name: 'no such pool', input: { pool: 'none' }, fails: exit },
    { operation: 'zfs.snapshot', input: snapshot, setUp: gone, cleanUp: gone, gives: { changed: true } },
    { operation: 'zfs.snapshot', name: 'was there', input: { ...snapshot, name: 'monday' }, gives: { changed: false } },
    { operation: 'zfs.snapshot', name: 'no such dataset', input: { dataset: 'none', name: 'a' }, fails: exit },
    { operation: 'zfs.snapshots', gives: [{ name: 'tank/home@monday' }, { name: 'tank/home@tuesday' }] },
    { operation: 'zfs.snapshots', ...notInstalled },
    { operation: 'zfs.status', gives: [{ pool: 'tank', state: 'ONLINE' }] },
    { operation: 'zfs.status', name: 'no such pool', input: { pool: 'none' }, fails: exit },
  ],
}

export const osquery: Family = {
  name: 'osquery',
  examples: [
    {
      operation: 'osquery.query',
      name: 'not installed',
      input: { sql: 'select * from time' },
      ...without('osqueryi'),
      fails: { kind: 'exit', code: 127 },
    },
  ],
}

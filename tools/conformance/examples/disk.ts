import type { Family } from '../example.ts'
import { saying, without } from './scripts.ts'

const mounted = { device: 'tmpfs', path: '/scratch/mnt', fs: 'tmpfs', options: 'size=1m' }
const undone = 'umount /scratch/mnt 2>/dev/null || :; rm -rf /scratch/mnt; : >/etc/fstab'
const list =
  'mkdir -p /scratch/mnt; mount -t tmpfs -o size=1m tmpfs /scratch/mnt; echo "tmpfs /scratch/mnt tmpfs size=1m 0 0" >/etc/fstab'
const files =
  'rm -rf /scratch/du; mkdir -p /scratch/du/a; head -c 900000 /dev/zero >/scratch/du/a/big; echo x >/scratch/du/small'

export const disk: Family = {
  name: 'disk',
  examples: [
    { operation: 'disk.block', needs: ['lsblk'] },
    { operation: 'disk.block', name: 'no lsblk', ...without('lsblk'), fails: { kind: 'exit', code: 1 } },
    {
      operation: 'disk.smart',
      name: 'no such disk',
      needs: ['smartctl'],
      input: { device: '/dev/none' },
      fails: { kind: 'invalid' },
    },
    {
      operation: 'disk.smart',
      name: 'no smartctl',
      input: { device: '/dev/none' },
      ...without('smartctl'),
      fails: { kind: 'exit', code: 1 },
    },
    { operation: 'disk.swap', name: 'none' },
    {
      operation: 'disk.swap',
      name: 'a file, as the kernel lists it',
      ...saying(
        '/proc/swaps',
        'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swap\\040file                              file\t\t1048572\t\t0\t\t-2\n',
      ),
      gives: { totalBytes: 1_073_737_728 },
    },
    {
      operation: 'disk.swap',
      name: 'not such a list',
      ...saying('/proc/swaps', 'Filename\nx y z\n'),
      fails: { kind: 'invalid' },
    },
    {
      operation: 'disk.usage',
      input: { path: '/scratch/du', files: true },
      setUp: files,
      gives: { entries: [{ path: '/scratch/du/a' }] },
    },
    { operation: 'disk.usage', name: 'not there', input: { path: '/scratch/none' }, fails: { kind: 'exit', code: 1 } },
    { operation: 'mount.ensure', input: mounted, setUp: undone, cleanUp: undone, gives: { changed: true } },
    {
      operation: 'mount.ensure',
      name: 'it is so',
      input: mounted,
      setUp: list,
      cleanUp: undone,
      gives: { changed: false },
    },
    {
      operation: 'mount.ensure',
      name: 'dry',
      input: { ...mounted, dry: true },
      setUp: undone,
      gives: { wouldChange: true },
    },
    {
      operation: 'mount.ensure',
      name: 'no such file system',
      input: { ...mounted, fs: 'nonefs', persist: false },
      setUp: undone,
      cleanUp: undone,
      fails: { kind: 'exit', code: 32 },
    },
    {
      operation: 'mount.remove',
      input: { path: mounted.path },
      setUp: list,
      cleanUp: undone,
      gives: { changed: true },
    },
    { operation: 'mount.remove', name: 'the root', input: { path: '/' }, fails: { kind: 'exit', code: 1 } },
  ],
}

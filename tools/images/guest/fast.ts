import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { firstModules, listed, type Recipe } from './recipe.ts'

const files = join(import.meta.dirname, 'files')
const file = (path: string, name: string, mode = 0o755) => ({
  path,
  text: readFileSync(join(files, name), 'utf8'),
  mode,
})

const passwd = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`
const group = `root:x:0:
daemon:x:1:
adm:x:4:
tty:x:5:
sudo:x:27:
nogroup:x:65534:
`

const packages = `
base-files bash busybox-static coreutils dash dropbear-bin e2fsprogs findutils grep gzip hostname iproute2
libstdc++6 login mawk mount passwd procps sed tar util-linux netbase
`

/** Its console is the serial one; what no such machine has is not looked for, and tests of the kernel's own are left out. */
const kernelWords = `
console=ttyS0 quiet loglevel=3 net.ifnames=0 random.trust_cpu=on tsc=reliable mitigations=off
init_on_alloc=0 no5lvl nokaslr cryptomgr.notests=1 audit=0 apparmor=0 rcupdate.rcu_expedited=1
8250.nr_uarts=1 i8042.noaux=1 i8042.nokbd=1
`

/**
 * For tests and for machines that are there in seconds: Debian's kernel and programs without systemd, one small init,
 * the agent at once. Root alone may log in, with a key.
 */
export const fast = ({ node, agent }: { readonly node: string; readonly agent: string }): Recipe => ({
  name: 'fast',
  title: 'Debian 12, small init, re-gent inside',
  packages: listed(packages),
  modules: firstModules,
  trims: ['usr/share/zoneinfo', 'usr/share/perl', 'usr/lib/x86_64-linux-gnu/gconv', 'usr/share/bash-completion'],
  pieces: [
    { path: 'usr/bin/node', from: node },
    { path: 'opt/re-ops/re-gent', from: agent },
    file('opt/re-ops/guest.cjs', 'guest.cjs', 0o644),
    file('etc/inittab', 'inittab', 0o644),
    ...['boot', 'dhcp', 'sshd', 'halt'].map(name => file(`etc/re-ops/${name}`, name)),
    file('etc/acpi/PWRF/00000080', 'poweroff'),
    { path: 'sbin/init', link: '../bin/busybox' },
    ...['poweroff', 'reboot', 'halt'].map(name => ({ path: `sbin/${name}`, link: '../bin/busybox' })),
    ...['udhcpc', 'vi', 'ping', 'less', 'nc', 'wget'].map(name => ({ path: `usr/bin/${name}`, link: '/bin/busybox' })),
    { path: 'usr/bin/awk', link: 'mawk' },
    { path: 'etc/passwd', text: passwd },
    {
      path: 'etc/shadow',
      text: 'root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n',
      mode: 0o600,
    },
    { path: 'etc/group', text: group },
    { path: 'etc/shells', text: '/bin/sh\n/bin/bash\n' },
    { path: 'etc/fstab', text: '/dev/vda / ext4 defaults,noatime 0 1\n' },
    { path: 'etc/hostname', text: 'fast\n' },
    { path: 'etc/machine-id', text: '' },
    { path: 'etc/nsswitch.conf', text: 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n' },
    { path: 'etc/resolv.conf', link: '../run/resolv.conf' },
    { path: 'etc/mtab', link: '../proc/self/mounts' },
    { path: 'etc/dropbear', folder: true },
    { path: 'var/lib/re-gent', folder: true, mode: 0o700 },
    { path: 'var/lib/re-ops', folder: true, mode: 0o700 },
  ],
  cmdline: listed(kernelWords).join(' '),
  diskMb: 1_024,
})

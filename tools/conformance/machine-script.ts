/**
 * What a machine does before its systemd starts: `$1` is its disk, the rest are folders that it sees. Its first time it installs the packages that
 * /etc/reops/packages names behind the folder that they are in.
 */
export const machineScript = `disk=$1; shift; root=$disk/root
mount -t overlay overlay -o lowerdir=/,upperdir=$disk/upper,workdir=$disk/work "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
  mkdir "$root/sys/fs/cgroup/systemd"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
fi
for folder; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
  mount -o remount,bind,ro "$root$folder"
done
mkdir -p "$root/.outside"
cd "$root"
pivot_root . .outside
umount -l /.outside
rmdir /.outside
hostname "$(cat /etc/hostname)"
if [ -e /etc/reops/packages ]; then
  printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d # nothing is started by being installed
  chmod 755 /usr/sbin/policy-rc.d
  read -r archives wanted </etc/reops/packages
  PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive apt-get -o "Dir::Cache::archives=$archives" -o Debug::NoLocking=true \\
    --quiet --yes --no-install-recommends --no-download install $wanted </dev/null >/var/log/reops-packages 2>&1 ||
    { grep '^E:' /var/log/reops-packages >&2; exit 1; }
  rm /usr/sbin/policy-rc.d /etc/reops/packages
fi
exec env -i container=reops PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=conformance.target --log-target=journal --show-status=no`

/** Units that are for hardware, or would look at that of the machine around. */
export const masked: readonly string[] = [
  'apparmor.service',
  'console-setup.service',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'keyboard-setup.service',
  'proc-sys-fs-binfmt_misc.automount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'systemd-ask-password-console.path',
  'systemd-ask-password-wall.path',
  'systemd-binfmt.service',
  'systemd-boot-system-token.service',
  'systemd-firstboot.service',
  'systemd-hwdb-update.service',
  'systemd-journald-audit.socket',
  'systemd-machine-id-commit.service',
  'systemd-modules-load.service',
  'systemd-pstore.service',
  'systemd-random-seed.service',
  'systemd-remount-fs.service',
  'systemd-sysctl.service',
  'systemd-timesyncd.service',
  'systemd-udev-trigger.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
  'systemd-udevd.service',
  'systemd-update-utmp.service',
  'ufw.service',
]

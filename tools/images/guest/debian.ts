import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { firstModules, listed, type Recipe } from './recipe.ts'

const root = dirname(dirname(dirname(import.meta.dirname)))
const unit = readFileSync(join(root, 'deploy/systemd/re-gent.service'), 'utf8')
const network = `[Match]
Name=en* eth*
[Network]
DHCP=ipv4
LinkLocalAddressing=no
IPv6AcceptRA=no
[DHCPv4]
ClientIdentifier=mac
`
/** cloud-init looks at the seed and nowhere else; the network is there before it. */
const cloud = `datasource_list: [ NoCloud, None ]
network: { config: disabled }
ssh_genkeytypes: [ ed25519 ]
package_update: false
locale: false
growpart: { mode: "off" }
`
/** It has nothing to do before cloud-init has written where it belongs, and need not wait for the rest of it. */
const waits = `[Unit]
After=cloud-init.service
ConditionPathExists=/var/lib/re-gent/config.json
`
const packages = `
systemd systemd-sysv systemd-resolved dbus udev kmod iproute2 openssh-server cloud-init cloud-guest-utils
python3-cffi-backend e2fsprogs ca-certificates iputils-ping netbase qemu-guest-agent sudo util-linux procps
acpid apt busybox-static locales less nano libstdc++6
`
const masked = `
apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service
fstrim.timer man-db.timer systemd-networkd-wait-online.service
`

/** For users: Debian 12 as they know it, with cloud-init and the agent as a unit that waits for its configuration. */
export const debian = ({ node, agent }: { readonly node: string; readonly agent: string }): Recipe => ({
  name: 'debian',
  title: 'Debian 12, systemd, cloud-init, re-gent inside',
  packages: listed(packages),
  modules: firstModules,
  pieces: [
    { path: 'usr/bin/node', from: node },
    { path: 'opt/re-ops/re-gent', from: agent },
    { path: 'etc/systemd/system/re-gent.service', text: unit },
    { path: 'etc/systemd/system/re-gent.service.d/waits.conf', text: waits },
    { path: 'etc/systemd/network/10-dhcp.network', text: network },
    { path: 'etc/cloud/cloud.cfg.d/90-re-ops.cfg', text: cloud },
    { path: 'etc/fstab', text: '/dev/vda / ext4 defaults,noatime,x-systemd.growfs 0 1\n' },
    { path: 'var/lib/re-gent', folder: true, mode: 0o700 },
  ],
  setUp: {
    inside: [
      ['systemctl', 'enable', 'systemd-networkd', 'systemd-resolved', 'ssh', 're-gent'],
      ['systemctl', 'mask', ...listed(masked)],
    ],
    after: [
      { path: 'etc/machine-id', text: '' },
      { path: 'etc/resolv.conf', link: '../run/systemd/resolve/stub-resolv.conf' },
    ],
  },
  trims: [
    'etc/ssh/ssh_host_ed25519_key',
    'etc/ssh/ssh_host_ed25519_key.pub',
    'etc/ssh/ssh_host_rsa_key',
    'etc/ssh/ssh_host_rsa_key.pub',
    'etc/ssh/ssh_host_ecdsa_key',
    'etc/ssh/ssh_host_ecdsa_key.pub',
    'var/cache/debconf',
    'var/lib/apt/lists',
  ],
  cmdline: 'console=ttyS0 quiet root=/dev/vda rw net.ifnames=0',
  diskMb: 2_048,
})

import { spawnSync } from 'node:child_process'

/** The Debian package that each program the examples need is in. */
export const packages = {
  apt: 'apt',
  busybox: 'busybox',
  crontab: 'cron',
  curl: 'curl',
  docker: 'docker.io',
  'docker-registry': 'docker-registry',
  dockerd: 'docker.io',
  'dpkg-deb': 'dpkg',
  git: 'git',
  ip: 'iproute2',
  journalctl: 'systemd',
  lastb: 'util-linux-extra',
  lsblk: 'util-linux',
  nft: 'nftables',
  openssl: 'openssl',
  restic: 'restic',
  sensors: 'lm-sensors',
  smartctl: 'smartmontools',
  sshd: 'openssh-server',
  sudo: 'sudo',
  systemctl: 'systemd',
  useradd: 'passwd',
  'zfs-fuse': 'zfs-fuse',
} as const
export type ProgramName = keyof typeof packages

const searched = 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; command -v -- "$1"'
const isHere = (program: string) => spawnSync('sh', ['-c', searched, 'sh', program]).status === 0

export const missingOf = (names: readonly ProgramName[]): ProgramName[] => names.filter(name => !isHere(name))

export const installCommand = (names: readonly ProgramName[]): readonly string[] => [
  'apt-get',
  'install',
  '--yes',
  '--no-install-recommends',
  ...new Set(names.map(name => packages[name])),
]

const installWithinMs = 600_000

/** Installs them on this computer. Throws with what apt said. */
export const install = (names: readonly ProgramName[]): void => {
  const [program = '', ...args] = installCommand(names)
  const { status, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: installWithinMs,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status !== 0) throw new Error(`${[program, ...args].join(' ')}: ${stderr.trim().split('\n').at(-1) ?? ''}`)
}

/** Installed versions by package. Where another package brings the program (busybox-static) that one is told; a program from elsewhere has none. */
export const versionsOf = (names: readonly ProgramName[]): Record<string, string> => {
  const versions = installed([...new Set(names.map(name => packages[name]))])
  const others = names.filter(name => versions[packages[name]] === undefined).flatMap(ownersOf)
  return Object.fromEntries(
    Object.entries({ ...versions, ...installed(others) }).toSorted(([a], [b]) => a.localeCompare(b)),
  )
}

/** Of a package that is known and not installed dpkg tells an empty version. */
const installed = (wanted: readonly string[]): Record<string, string> =>
  wanted.length === 0
    ? {}
    : Object.fromEntries(
        linesOf('dpkg-query', '-W', '-f', '${Package}\t${Version}\n', ...wanted)
          .map(line => line.split('\t'))
          .filter(([, version]) => version),
      )

/** Packages that have put a program of this name where programs are. */
const ownersOf = (name: ProgramName): string[] =>
  linesOf('dpkg-query', '-S', `*bin/${name}`).flatMap(line => line.split(': ')[0] ?? [])

const linesOf = (program: string, ...args: string[]): string[] =>
  (spawnSync(program, args, { encoding: 'utf8' }).stdout ?? '').split('\n').filter(line => line !== '')

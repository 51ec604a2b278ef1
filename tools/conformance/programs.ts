import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** The Debian package that each program the examples need is in. */
export const packages = {
  apt: 'apt',
  busybox: 'busybox-static',
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

/** Runs a script where the programs are, and gives what it wrote. */
export type Ask = (script: string) => Promise<string>
/** This computer. Scripts may fail: what they wrote until then counts. */
export const here: Ask = async script => spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout ?? ''

const path = 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin'

export const missingOf = async (ask: Ask, names: readonly ProgramName[]): Promise<ProgramName[]> => {
  const looks = names.map(name => `command -v -- ${name} >/dev/null || echo ${name}`)
  const missing = new Set(linesIn(await ask([path, ...looks].join('\n'))))
  return names.filter(name => missing.has(name))
}

export const packagesOf = (names: readonly ProgramName[]): readonly string[] => [
  ...new Set(names.map(name => packages[name])),
]

const fetchWithinMs = 600_000
const fetchCommand = (folder: string, wanted: readonly string[]): readonly string[] => [
  `-oDir::Cache::archives=${folder}`,
  '-oDebug::NoLocking=true',
  '-oAPT::Sandbox::User=root',
  '--quiet',
  '--yes',
  '--no-install-recommends',
  '--download-only',
  'install',
  ...wanted,
]

/**
 * Fetches packages, and what they need beside what this computer has, into a folder. Nothing is installed here. Throws with what
 * apt said. apt is asked for news of its sources only when it does not know a package.
 */
export const fetchPackages = (wanted: readonly string[], folder: string): void => {
  mkdirSync(join(folder, 'partial'), { recursive: true })
  const apt = (args: readonly string[]): string | null => {
    const { status, stderr } = spawnSync('apt-get', args, {
      encoding: 'utf8',
      timeout: fetchWithinMs,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return status === 0 ? null : ((stderr ?? 'there is no apt-get').trim().split('\n').at(-1) ?? '')
  }
  if (apt(fetchCommand(folder, wanted)) === null) return
  apt(['--quiet', 'update'])
  const why = apt(fetchCommand(folder, wanted))
  if (why !== null) throw new Error(why)
}

/** Installed versions by package. Where another package brings the program (busybox-static) that one is told; a program from elsewhere has none. */
export const versionsOf = async (ask: Ask, names: readonly ProgramName[]): Promise<Record<string, string>> => {
  const versions = await installed(ask, packagesOf(names))
  const others = names.filter(name => versions[packages[name]] === undefined)
  const owners = await Promise.all(others.map(name => ownersOf(ask, name)))
  const found = { ...versions, ...(await installed(ask, owners.flat())) }
  return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => a.localeCompare(b)))
}

/** Of a package that is known and not installed dpkg tells an empty version; of one that is not known it complains. */
const installed = async (ask: Ask, wanted: readonly string[]): Promise<Record<string, string>> => {
  if (wanted.length === 0) return {}
  const text = await ask(`dpkg-query -W -f '\${Package}\\t\${Version}\\n' ${wanted.join(' ')} 2>/dev/null || :`)
  return Object.fromEntries(
    linesIn(text)
      .map(line => line.split('\t'))
      .filter(([, version]) => version),
  )
}

/** Packages that have put a program of this name where programs are. */
const ownersOf = async (ask: Ask, name: ProgramName): Promise<string[]> =>
  linesIn(await ask(`dpkg-query -S '*bin/${name}' 2>/dev/null || :`)).flatMap(line => line.split(': ')[0] ?? [])

const linesIn = (text: string): string[] => text.split('\n').filter(line => line !== '')

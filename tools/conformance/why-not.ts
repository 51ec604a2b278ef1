import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const works = (program: string, ...args: string[]) =>
  spawnSync(program, args, { stdio: 'ignore', timeout: 20_000 }).status === 0

/** What the machine itself is made of: without them it does not start. */
const parts = [
  ['/lib/systemd/systemd', 'systemd'],
  ['/usr/sbin/sshd', 'openssh-server'],
] as const
/** Debian packages of the parts that this computer lacks. */
export const missingParts = (): readonly string[] => parts.flatMap(([path, name]) => (existsSync(path) ? [] : [name]))

/** What keeps a machine from being made of this one, with what this one has, in one line, or null. */
export const whyNotHere = (): string | null => {
  const [missing] = missingParts()
  return whyNever() ?? (missing === undefined ? null : `Debian package ${missing} is missing`)
}

/** The same, whatever packages it is given. */
export const whyNever = (): string | null => {
  if (process.platform !== 'linux') return 'it is made of namespaces of Linux'
  if (process.getuid?.() !== 0)
    return 'not root (users, mounts, services and packages are made in a machine of its own)'
  for (const name of ['unshare', 'nsenter', 'ip'])
    if (!works('sh', '-c', `command -v ${name}`)) return `there is no ${name}`
  if (!works('unshare', '--mount', '--uts', '--ipc', '--pid', '--net', '--cgroup', '--fork', 'true'))
    return 'namespaces are not allowed'
  return canOverlay() ? null : 'no overlay can be mounted over /'
}

const canOverlay = (): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-overlay-'))
  const script = `mount -t tmpfs tmpfs "$1"; mkdir "$1/u" "$1/w" "$1/r"; mount -t overlay overlay -o "lowerdir=/,upperdir=$1/u,workdir=$1/w" "$1/r"`
  try {
    return works('unshare', '--mount', '--propagation', 'private', 'sh', '-euc', script, 'sh', folder)
  } finally {
    rmdirSync(folder)
  }
}

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { machineScript, masked } from './machine-script.ts'

/**
 * A machine made of this one: the same kernel and the same files, but its own processes, mounts, name and users, its own systemd,
 * and a disk that is thrown away (an overlay over `/`). Nothing that is done to it is seen outside: packages, users, mounts,
 * firewalls and reboots are real there. It lives in the network namespace of whoever starts it.
 */
export type Machine = {
  /** Runs a script as root on the machine, in /scratch; throws with what it wrote when it fails. */
  sh(script: string, limitMs?: number): Promise<string>
  /** Waits until it has gone down by itself, and starts it again with the same disk. */
  again(): Promise<void>
  stop(): Promise<void>
}
export type MachineOptions = {
  /** Must be on a disk of its own (a tmpfs): holds all that is written on the machine. */
  readonly disk: string
  /** Folders outside that are seen inside, where they are; read only. */
  readonly shows: readonly string[]
  /** Files that it starts with, by path. */
  readonly files: Readonly<Record<string, string>>
  /** Units of systemd that are started with it. */
  readonly units: readonly string[]
}

const bootWithinMs = 60_000
/** Installs packages before. */
const firstBootWithinMs = 600_000
const scriptWithinMs = 120_000

export const startMachine = async (options: MachineOptions): Promise<Machine> => {
  layOut(options)
  let machine = await boot(options, firstBootWithinMs)
  return {
    sh: (script, limitMs = scriptWithinMs) => inside(machine, script, limitMs),
    again: async () => {
      await within(machine.gone, bootWithinMs, 'the machine does not go down')
      machine = await boot(options, bootWithinMs)
    },
    stop: async () => {
      machine.child.kill('SIGKILL')
      await machine.gone
      await forgetGroups()
    },
  }
}

/** What is there when it boots: our files, and none of the units that are for hardware. */
const layOut = ({ disk, files, units }: MachineOptions) => {
  const upper = join(disk, 'upper')
  const put = (path: string, content: string) => {
    mkdirSync(dirname(join(upper, path)), { recursive: true, mode: 0o755 })
    writeFileSync(join(upper, path), content, { mode: 0o644 })
  }
  for (const name of ['work', 'root']) mkdirSync(join(disk, name), { recursive: true })
  const target = `[Unit]\nRequires=basic.target\nAfter=basic.target\nAllowIsolate=yes\nWants=${units.join(' ')}\n`
  put('/etc/systemd/system/conformance.target', target)
  // What does not end when it goes down is not waited for.
  put('/etc/systemd/system.conf.d/reops.conf', '[Manager]\nDefaultTimeoutStopSec=2s\n')
  put('/etc/fstab', '')
  put('/etc/hostname', 'conformance\n')
  put('/etc/hosts', '127.0.0.1 localhost conformance\n::1 localhost\n')
  for (const [path, content] of Object.entries(files)) put(path, content)
  for (const unit of masked) symlinkSync('/dev/null', join(upper, 'etc/systemd/system', unit))
  chmodSync(upper, 0o755)
}

type Booted = { readonly child: ChildProcess; readonly gone: Promise<void>; readonly pid: number }

const boot = async ({ disk, shows }: MachineOptions, withinMs: number): Promise<Booted> => {
  const isolated = [
    '--mount',
    '--uts',
    '--ipc',
    '--pid',
    '--cgroup',
    '--fork',
    '--kill-child',
    '--propagation',
    'private',
  ]
  const child = spawn(
    'sh',
    [
      '-c',
      `${joinGroups}\nexec unshare "$@"`,
      'sh',
      ...isolated,
      'sh',
      '-eu',
      '-c',
      machineScript,
      'sh',
      disk,
      ...shows,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said = `${said}${text}`.slice(-4_000)))
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  for (const end = performance.now() + withinMs; performance.now() < end; await pause(50)) {
    if (child.exitCode !== null || child.signalCode !== null) break
    const pid = firstProcessOf(child.pid ?? 0)
    if (pid === null) continue
    const booted = { child, gone, pid }
    // systemd answers once it has started what it starts with; degraded: something that no example needs has failed.
    const state = await inside(booted, 'systemctl is-system-running || :', 10_000).catch(() => '')
    if (/^(running|degraded)$/m.test(state)) return booted
  }
  child.kill('SIGKILL')
  throw new Error(`the machine does not start: ${said.trim()}`)
}

/** The first process of the namespace, as it is called outside. */
const firstProcessOf = (parent: number): number | null => {
  try {
    const [pid] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')
    return pid === undefined || pid === '' ? null : Number(pid)
  } catch {
    return null // it has gone
  }
}

const inside = async ({ pid }: Pick<Booted, 'pid'>, script: string, limitMs: number): Promise<string> => {
  const into = ['--mount', '--uts', '--ipc', '--pid', '--cgroup', '--root', '--wd']
  const whole = `mkdir -p /scratch; cd /scratch\n${script}`
  const child = spawn('nsenter', ['--target', String(pid), ...into, 'sh', '-eu', '-c', whole], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root', LC_ALL: 'C' },
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  const said = { out: '', error: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.error += text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', status => resolve(status))
  })
  if (code !== 0) throw new Error(`a script on the machine ended with ${code}: ${said.error.trim().slice(-500)}`)
  return said.out
}

const within = async (ready: Promise<void>, limitMs: number, what: string): Promise<void> => {
  let late: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => (late = setTimeout(() => reject(new Error(what)), limitMs)))
  await Promise.race([ready, limit]).finally(() => clearTimeout(late))
}

/** The machine's control groups are below one of its own, in every hierarchy there is: its systemd makes and removes many. */
const group = `reops-conformance-${process.pid}`
const eachGroup = (body: string) => `while IFS=: read -r _ controllers path; do
  case $controllers in
    '') base=/sys/fs/cgroup/unified; [ -d $base ] || base=/sys/fs/cgroup ;;
    *) base=/sys/fs/cgroup/\${controllers#name=} ;;
  esac
  [ -d "$base$path" ] || continue
  own=$base\${path%/}/${group}
  ${body}
done </proc/${process.pid}/cgroup`

const joinGroups = eachGroup(`mkdir -p "$own"
  for file in cpuset.cpus cpuset.mems; do
    if [ "$controllers" = cpuset ]; then cat "$base$path/$file" >"$own/$file"; fi
  done
  echo $$ >"$own/cgroup.procs"`)
/** Again until they are empty: the last processes may still be on their way out. */
const forgetGroups = async () => {
  const script = `left=0; ${eachGroup('find "$own" -depth -type d -exec rmdir {} \\; 2>/dev/null; [ ! -d "$own" ] || left=1')}; exit $left`
  for (let look = 0; look < 40; look += 1) {
    if (spawnSync('sh', ['-c', script]).status === 0) return
    await pause(50)
  }
}

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

const program = '/usr/sbin/sshd'

/** Why there can be no sshd here, or null. */
export const whyNoSshd = (): string | null =>
  existsSync(program) && spawnSync('ssh-keygen', ['-?']).error === undefined
    ? null
    : 'there is no sshd or ssh-keygen (Debian package openssh-server)'

/** A real sshd on loopback, with host keys and authorized keys of its own. */
export type TestSshd = {
  readonly folder: string
  readonly port: number
  readonly user: string
  /** A private key that is let in, in OpenSSH's form. */
  readonly key: string
  readonly publicKey: string
  /** Lets another key in. */
  authorize(publicKey: string): void
  /** Public host keys, `type base64`. */
  readonly hostKeys: readonly string[]
  /** Ends the daemon and its sessions, as a host that crashes. */
  crash(): Promise<void>
  /** Starts it again, where it was, with more lines for its configuration. */
  again(...config: string[]): Promise<void>
  /** What it logged. */
  log(): string
  stop(): Promise<void>
}
export type SshdOptions = {
  /** Where it listens, all at the same port; at most 16. */
  readonly addresses?: readonly string[]
  readonly hostKeyTypes?: readonly string[]
  /** Lines for sshd_config, before the usual ones. */
  readonly config?: readonly string[]
}

export const keygen = (path: string, ...args: string[]): void => {
  const { status, stderr } = spawnSync('ssh-keygen', ['-q', '-f', path, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ssh-keygen: ${stderr}`)
}
const publicOf = (path: string): string => readFileSync(`${path}.pub`, 'utf8').split(' ').slice(0, 2).join(' ').trim()

export const freePort = (address = '127.0.0.1'): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, address, () => {
      const found = server.address()
      server.close(() => resolve(typeof found === 'object' && found ? found.port : 0))
    })
  })

const answers = (address: string, port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ host: address, port })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('error', () => end(false)).once('data', () => end(true))
  })

const startWithinMs = 15_000

export const startSshd = async (options: SshdOptions = {}): Promise<TestSshd> => {
  const { addresses = ['127.0.0.1'], hostKeyTypes = ['ed25519'], config = [] } = options
  const folder = mkdtempSync(join(tmpdir(), 'reops-sshd-'))
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const hostKeys = hostKeyTypes.map(type => {
    keygen(join(folder, `host_${type}`), '-t', type, '-N', '')
    return publicOf(join(folder, `host_${type}`))
  })
  keygen(join(folder, 'id'), '-t', 'ed25519', '-N', '')
  writeFileSync(join(folder, 'authorized_keys'), `${publicOf(join(folder, 'id'))}\n`)
  const [address = '127.0.0.1'] = addresses
  let child: ChildProcess
  let port = 0
  let log = ''
  const begin = async (...more: string[]) => {
    for (const deadline = performance.now() + startWithinMs; performance.now() < deadline;) {
      if (port === 0) port = await freePort(address)
      writeFileSync(
        join(folder, 'sshd_config'),
        [
          ...config,
          ...more,
          ...addresses.map(one => `ListenAddress ${one}:${port}`),
          ...hostKeyTypes.map(type => `HostKey ${join(folder, `host_${type}`)}`),
          `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
          // Beyond ten logins that are under way sshd lets go of some by chance, which on a busy machine are soon there.
          'MaxStartups 200',
          'StrictModes no',
          'UsePAM no',
          'UseDNS no',
          'PidFile none',
          'PermitRootLogin prohibit-password',
          'PasswordAuthentication no',
          'PrintMotd no',
          'LogLevel INFO',
          '',
        ].join('\n'),
      )
      // A process group of its own, so that its sessions can be ended with it.
      child = spawn(program, ['-D', '-e', '-f', join(folder, 'sshd_config')], {
        stdio: ['ignore', 'ignore', 'pipe'],
        detached: true,
      })
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (log = `${log}${text}`.slice(-100_000)))
      while (child.exitCode === null && performance.now() < deadline) {
        if (await answers(address, port)) return
        await new Promise(resolve => setTimeout(resolve, 10))
      }
      port = 0 // somebody else was quicker to take it
    }
    throw new Error(`sshd does not start: ${log.slice(-2_000)}`)
  }
  await begin()
  const crash = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise(resolve => child.once('exit', resolve))
    // The connection goes first: else what it ran is seen to end before it breaks.
    for (const pid of [child.pid as number, ...descendants(child.pid as number)]) kill(pid)
    await gone
  }
  return {
    folder,
    get port() {
      return port
    },
    user: userInfo().username,
    key: readFileSync(join(folder, 'id'), 'utf8'),
    publicKey: publicOf(join(folder, 'id')),
    authorize: publicKey => appendFileSync(join(folder, 'authorized_keys'), `${publicKey}\n`),
    hostKeys,
    crash,
    again: begin,
    log: () => log,
    stop: async () => {
      await crash()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    return // gone already
  }
}
/** The processes below one, each before those it started: sessions are in sessions of their own, so a process group does not hold them. */
const descendants = (pid: number): number[] => {
  const found = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).stdout ?? ''
  const children = found.split('\n').flatMap(line => (line.trim() === '' ? [] : [Number(line)]))
  return children.flatMap(child => [child, ...descendants(child)])
}

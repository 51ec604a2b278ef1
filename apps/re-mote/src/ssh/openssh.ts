import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { requiredText, textOf, type CredentialDeps } from './credentials.ts'
import type { SshHost } from './host.ts'
import { sshLimits } from './limits.ts'
import { SshRefused, type RefusedReason } from './refused.ts'
import type { Remote, RemoteEnd, Session } from './remote.ts'
import type { Hop } from './route.ts'

const errorTextMax = 4_096
const hopName = (at: number) => `reops-hop-${at}`
const inQuotes = (text: string): string => {
  if (/["\n\r]/.test(text)) throw new SshRefused('settings', `${JSON.stringify(text)} cannot stand in an ssh config`)
  return `"${text.replaceAll('%', '%%')}"`
}

type Private = { readonly folder: string; readonly files: Map<string, string> }

/** The path of a credential; a secret is written into the private folder, which goes when the connection does. */
const fileOf = async (deps: CredentialDeps, own: Private, reference: string): Promise<string | null> => {
  const name = reference.slice(reference.indexOf(':') + 1)
  if (reference.startsWith('file:')) return existsSync(deps.folder.resolve(name)) ? deps.folder.resolve(name) : null
  const known = own.files.get(reference)
  if (known !== undefined) return known
  const text = await textOf(deps, reference)
  const path = join(own.folder, `c${own.files.size}`)
  await writeFile(path, text?.endsWith('\n') === true ? text : `${text}\n`, { mode: 0o600, flag: 'wx' })
  own.files.set(reference, path)
  return path
}

const blockOf = async (deps: CredentialDeps, own: Private, hops: readonly Hop[], at: number): Promise<string[]> => {
  const hop = hops[at] as Hop
  if (hop.passphrase !== undefined || hop.password !== undefined)
    throw new SshRefused(
      'settings',
      `${hop.address}: backend openssh cannot be given a passphrase or a password; keep the key in the ssh-agent, or use backend ssh2`,
    )
  const keys = (await Promise.all(hop.identities.map(one => fileOf(deps, own, one)))).filter(path => path !== null)
  const knownHosts = [join(deps.folder.path, 'known_hosts'), ...hop.knownHostsFiles.map(deps.folder.resolve)]
  return [
    `Host ${hopName(at)}`,
    `HostName ${inQuotes(hop.address)}`,
    `Port ${hop.port}`,
    `User ${inQuotes(hop.user)}`,
    `HostKeyAlias ${inQuotes(hop.knownAs)}`,
    `StrictHostKeyChecking ${hop.acceptNew ? 'accept-new' : 'yes'}`,
    `UserKnownHostsFile ${knownHosts.map(inQuotes).join(' ')}`,
    `IdentityAgent ${hop.agent === undefined ? 'none' : inQuotes(hop.agent)}`,
    `IdentitiesOnly ${hop.agent === undefined ? 'yes' : 'no'}`,
    ...keys.map(path => `IdentityFile ${inQuotes(path)}`),
    ...(at === 0 ? ['ProxyJump none'] : [`ProxyJump ${hopName(at - 1)}`]),
  ]
}

const configOf = async (deps: CredentialDeps, own: Private, host: SshHost, hops: readonly Hop[]): Promise<string> => {
  const blocks = await Promise.all(hops.map((_, at) => blockOf(deps, own, hops, at)))
  const { certificate, kexAlgorithms } = host.settings
  const last = blocks.at(-1) as string[]
  if (certificate !== undefined) {
    await requiredText(deps, certificate)
    last.push(`CertificateFile ${inQuotes((await fileOf(deps, own, certificate)) ?? '')}`)
  }
  if (kexAlgorithms !== undefined) last.push(`KexAlgorithms ${kexAlgorithms}`)
  const common = [
    'Host *',
    'BatchMode yes',
    'GlobalKnownHostsFile none',
    'UpdateHostKeys no',
    'LogLevel ERROR',
    `ConnectTimeout ${sshLimits.connectMs / 1000}`,
    `ServerAliveInterval ${sshLimits.keepaliveMs / 1000}`,
    `ServerAliveCountMax ${sshLimits.keepalivesMissedMax}`,
  ]
  // The first value of a keyword counts: what is decided here, then what the service's own config adds (ciphers, ProxyCommand, ...).
  const theirs = join(deps.folder.path, 'config')
  const include = existsSync(theirs) ? ['Host *', `Include ${inQuotes(theirs)}`] : []
  return [...blocks.flat(), ...common, ...include, ''].join('\n')
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

const remoteOf = (child: Child): Remote => ({
  stdin: child.stdin,
  stdout: child.stdout,
  stderr: child.stderr,
  ended: new Promise<RemoteEnd>(resolve => {
    child.once('error', () => resolve({ code: null, signal: null }))
    // 255 is ssh's own word for a connection that broke.
    child.once('close', code => resolve({ code: code === 255 ? null : code, signal: null }))
  }),
  close: () => void child.kill('SIGKILL'),
})

const reasonOf = (text: string): RefusedReason =>
  /host key|HOST IDENTIFICATION/i.test(text)
    ? 'host key'
    : /permission denied/i.test(text)
      ? 'authentication'
      : 'connection'

/**
 * Sessions by the `ssh` program: for what ssh2 cannot do (certificates, security keys, ProxyCommand). One master connection, its socket in a
 * private folder; each command is a client of it. Key exchange is ssh's own default unless the host says otherwise.
 */
export const opensshSession = async (
  deps: CredentialDeps,
  host: SshHost,
  hops: readonly Hop[],
  onBroken: () => void,
): Promise<{ session: Session; clean(): void }> => {
  const own: Private = { folder: await mkdtemp(join(tmpdir(), 'reops-ssh-')), files: new Map() }
  const clean = () => {
    rm(own.folder, { recursive: true, force: true }).catch(() => undefined) // nothing more can be done about it
  }
  try {
    const config = join(own.folder, 'config')
    await writeFile(config, await configOf(deps, own, host, hops), { mode: 0o600 })
    const target = hopName(hops.length - 1)
    const ssh = (...args: string[]): Child =>
      spawn('ssh', ['-F', config, '-S', join(own.folder, 's'), ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    const master = await startMaster(ssh, target)
    let broken = false
    master.once('exit', () => {
      broken = true
      onBroken()
    })
    const session: Session = {
      get broken() {
        return broken
      },
      open: async command => {
        if (broken) throw new SshRefused('session', 'the connection is closed')
        return remoteOf(ssh('-T', '-o', 'ControlMaster=no', target, command))
      },
      close: () => void master.kill('SIGTERM'),
    }
    return { session, clean }
  } catch (error) {
    clean()
    throw error
  }
}

/** The master says `up` once it is let in and its socket listens; then commands need no handshake of their own. */
const startMaster = (ssh: (...args: string[]) => Child, target: string): Promise<Child> =>
  new Promise((resolve, reject) => {
    const up = ['-o', 'PermitLocalCommand=yes', '-o', 'LocalCommand=echo up']
    const master = ssh('-M', '-N', '-T', ...up, target)
    let said = ''
    const refuse = (why: string, reason = reasonOf(why)) => {
      clearTimeout(timer)
      master.kill('SIGKILL')
      reject(new SshRefused(reason, `ssh: ${why}`))
    }
    const timer = setTimeout(() => refuse('no connection in time'), 2 * sshLimits.connectMs)
    master.stdin.on('error', () => undefined) // it has nothing to read
    master.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-errorTextMax)))
    master.once('error', error => refuse(`cannot be started: ${error.message}`, 'settings'))
    master.once('close', code =>
      refuse(
        said
          .trim()
          .replaceAll(/\s*\n\s*/g, '; ')
          .slice(-512) || `ended with ${code}`,
      ),
    )
    master.stdout.once('data', () => {
      clearTimeout(timer)
      resolve(master)
    })
  })

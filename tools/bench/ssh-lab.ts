import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSshd, type TestSshd } from '@re-ops/re-mote/testing'

/** Real sshd on loopback addresses, a few daemons with many addresses each, and one ssh config that names them all. */
export type SshLab = {
  readonly hosts: readonly LabHost[]
  readonly user: string
  /** The private key that every host lets in. */
  readonly key: string
  readonly folder: string
  /** For every tool that starts `ssh`: names, keys and known hosts. */
  readonly config: string
  stop(): Promise<void>
}
export type LabHost = {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly hostKeys: readonly string[]
}

const perDaemon = 10

/** What the bench compares with; each must be installed. */
const programs = { ssh: 'openssh-client', xargs: 'findutils', clush: 'clustershell', pdsh: 'pdsh', ansible: 'ansible' }

export const missingPrograms = (): string | null => {
  const missing = Object.entries(programs).filter(
    ([name]) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  )
  return missing.length === 0
    ? null
    : `missing: ${missing.map(([name]) => name).join(', ')}; apt-get install ${missing.map(([, name]) => name).join(' ')}`
}

export const startLab = async (count: number): Promise<SshLab> => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-lab-'))
  // The daemons' users have an empty home, so that no profile of this machine is in the figures.
  mkdirSync(join(folder, 'home'))
  const daemons: { sshd: TestSshd; addresses: string[] }[] = []
  const stop = async () => {
    await Promise.all(daemons.map(({ sshd }) => sshd.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    for (let from = 0; from < count; from += perDaemon) {
      const net = 1 + from / perDaemon
      const addresses = Array.from({ length: Math.min(perDaemon, count - from) }, (_, n) => `127.7.${net}.${n + 1}`)
      const config = [
        'MaxStartups 200',
        'Subsystem sftp /usr/lib/openssh/sftp-server',
        `SetEnv HOME=${join(folder, 'home')}`,
      ]
      daemons.push({ addresses, sshd: await startSshd({ addresses, config }) })
    }
    const [first] = daemons
    if (!first) throw new Error('a lab needs at least one host')
    for (const { sshd } of daemons) sshd.authorize(first.sshd.publicKey)
    const hosts = daemons.flatMap(({ sshd, addresses }, d) =>
      addresses.map((address, n) => ({
        name: `lab-${d * perDaemon + n + 1}`,
        address,
        port: sshd.port,
        hostKeys: sshd.hostKeys,
      })),
    )
    const known = hosts.flatMap(({ address, port, hostKeys }) => hostKeys.map(key => `[${address}]:${port} ${key}\n`))
    writeFileSync(join(folder, 'known_hosts'), known.join(''))
    const config = join(folder, 'config')
    const blocks = hosts.map(({ name, address, port }) => `Host ${name}\n  HostName ${address}\n  Port ${port}\n`)
    const common = [
      'Host *',
      `User ${first.sshd.user}`,
      `IdentityFile ${join(first.sshd.folder, 'id')}`,
      'IdentitiesOnly yes',
      `UserKnownHostsFile ${join(folder, 'known_hosts')}`,
      'StrictHostKeyChecking yes',
      'LogLevel ERROR',
    ]
    writeFileSync(config, `${blocks.join('')}${common.join('\n  ')}\n`)
    return { hosts, user: first.sshd.user, key: first.sshd.key, folder, config, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Makes them hosts of a re-mote, labelled `lab=ssh`, with the one key as a secret. */
export const addHosts = async (
  lab: SshLab,
  ask: (method: string, path: string, body: unknown) => Promise<unknown>,
): Promise<void> => {
  await ask('PUT', '/v1/secrets/ssh%2Flab', { value: lab.key })
  for (const { name, address, port, hostKeys } of lab.hosts) {
    const settings = { address, port, user: lab.user, identity: ['secret:ssh/lab'] }
    await ask('POST', '/v1/hosts', { name, labels: { lab: 'ssh' }, ssh: settings, hostKeys })
  }
}

/** Milliseconds that a command takes; it must end with 0. */
export const timed = (
  command: readonly string[],
  { stdin = '', env = {} }: { stdin?: string; env?: Record<string, string> } = {},
): Promise<number> =>
  new Promise((resolve, reject) => {
    const from = performance.now()
    const [file = '', ...args] = command
    const child = spawn(file, args, { stdio: ['pipe', 'ignore', 'pipe'], env: { ...process.env, ...env } })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-500)))
    child.once('error', reject)
    child.once('exit', code =>
      code === 0 ? resolve(performance.now() - from) : reject(new Error(`${file} ended with ${code}: ${said}`)),
    )
    child.stdin.on('error', () => undefined) // it reads nothing
    child.stdin.end(stdin)
  })

/** Ends the master connections whose sockets are in a folder. */
export const endMasters = (folder: string): void => {
  for (const name of readdirSync(folder)) spawnSync('ssh', ['-S', join(folder, name), '-O', 'exit', 'any'])
}

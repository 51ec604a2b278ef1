import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Host, Run, Target } from '@re-ops/protocols'
import { freePort, keygen, startMote, until, type TestMote } from '@re-ops/re-mote/testing'
import { testPostgres } from '@re-ops/service/testing'
import { agentProgram } from '../bundle/agent-program.ts'
import { startMachine, type Machine } from './machine.ts'

export const transports = ['zmq', 'ssh'] as const
export type Transport = (typeof transports)[number]

/** A real re-mote, and one machine that it reaches twice: as host `zmq` by its agent, as host `ssh` by its sshd. */
export type World = {
  readonly machine: Machine
  /** One call on the machine; what its target ended with. */
  call(transport: Transport, operation: string, input: unknown): Promise<Target>
  /** Waits until the machine, which goes down, is back on both. */
  again(): Promise<void>
  close(): Promise<void>
}

const root = dirname(dirname(import.meta.dirname))
/** The most that one request may wait for a run. */
const waitSeconds = 60

/** Packages that the machine gets, and the folder that they are in. */
export type Fetched = { readonly folder: string; readonly names: readonly string[] }

export const openWorld = async (fetched: Fetched | null): Promise<World> => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-conformance-'))
  const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const one of closers.splice(0).toReversed()) await one()
  }
  try {
    const postgres = await testPostgres()
    closers.push(postgres.drop)
    const mote = await startMote({ databaseUrl: postgres.url })
    closers.push(mote.stop)
    const disk = join(folder, 'disk')
    mkdirSync(disk)
    must('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', disk)
    closers.push(() => spawnSync('umount', ['-l', disk]))
    const { sshd, files } = await accessFiles(mote, folder)
    const shows = [...new Set([root, dirname(process.execPath), ...(fetched ? [fetched.folder] : [])])]
    const packages = fetched ? { '/etc/reops/packages': `${fetched.folder} ${fetched.names.join(' ')}\n` } : {}
    const machine = await startMachine({
      disk,
      shows,
      files: { ...files, ...packages },
      units: ['dbus.socket', 'reops-sshd.service', 'reops-agent.service'],
    })
    closers.push(machine.stop)
    await addSshHost(mote, sshd)
    const ready = () => online(mote, machine)
    await ready()
    return {
      machine,
      call: (transport, operation, input) => call(mote, transport, operation, input),
      again: async () => {
        await machine.again()
        await ready()
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const must = (program: string, ...args: string[]) => {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim()}`)
}

type Sshd = { readonly port: number; readonly key: string; readonly hostKey: string }

/** What lets both in: an enrolled agent and an sshd as services of the machine. */
const accessFiles = async (mote: TestMote, folder: string): Promise<{ sshd: Sshd; files: Record<string, string> }> => {
  const { token } = (await mote.ask('POST', '/v1/enrolments', { body: { name: 'zmq' } })).body as { token: string }
  const program = await agentProgram()
  for (const name of ['id', 'host']) keygen(join(folder, name), '-t', 'ed25519', '-N', '')
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const port = await freePort()
  const unit = (command: string, more = '') =>
    `[Unit]\nAfter=basic.target\n[Service]\nExecStart=${command}\nRestart=always\nRestartSec=1\nKillMode=process\n${more}`
  const environment = {
    REGENT_STATE: '/var/lib/re-gent',
    REGENT_URL: mote.url,
    REGENT_TOKEN: token,
    REGENT_NAME: 'zmq',
    REGENT_INSTANCE: 'conformance',
    HOME: '/root',
  }
  const lines = Object.entries(environment).map(([name, value]) => `Environment=${name}=${value}\n`)
  const sshdConfig = [
    `ListenAddress 127.0.0.1:${port}`,
    'HostKey /etc/reops/host',
    'AuthorizedKeysFile /etc/reops/authorized_keys',
    'StrictModes no',
    'UsePAM no',
    'UseDNS no',
    'PidFile none',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    '',
  ]
  return {
    sshd: { port, key: read('id'), hostKey: read('host.pub').split(' ').slice(0, 2).join(' ').trim() },
    files: {
      '/etc/reops/host': read('host'),
      '/etc/reops/authorized_keys': read('id.pub'),
      '/etc/reops/sshd_config': sshdConfig.join('\n'),
      '/etc/systemd/system/reops-agent.service': unit(`${process.execPath} ${program}`, lines.join('')),
      '/etc/systemd/system/reops-sshd.service': unit(
        '/usr/sbin/sshd -D -e -f /etc/reops/sshd_config',
        'ExecStartPre=mkdir -p /run/sshd\nExecStartPre=chmod 600 /etc/reops/host\n',
      ),
    },
  }
}

const addSshHost = async (mote: TestMote, { port, key, hostKey }: Sshd) => {
  await done(mote.ask('PUT', '/v1/secrets/ssh%2Fconformance', { body: { value: key } }))
  const ssh = { address: '127.0.0.1', port, user: 'root', identity: ['secret:ssh/conformance'] }
  await done(mote.ask('POST', '/v1/hosts', { body: { name: 'ssh', ssh, hostKeys: [hostKey] } }))
}

const done = async (asked: ReturnType<TestMote['ask']>) => {
  const { status, body } = await asked
  if (status >= 300) throw new Error(`re-mote answers ${status}: ${JSON.stringify(body)}`)
  return body
}

/** Asked until both answer: the agent enrols meanwhile, and sshd starts. */
const online = async (mote: TestMote, machine: Machine) => {
  try {
    await until(
      'the machine answers over both transports',
      async () => {
        const hosts = (await done(mote.ask('GET', '/v1/hosts'))) as { hosts?: readonly Host[] } | readonly Host[]
        const all = Array.isArray(hosts)
          ? (hosts as readonly Host[])
          : ((hosts as { hosts: readonly Host[] }).hosts ?? [])
        if (!all.some(host => host.name === 'zmq' && host.online)) return false
        const pings = await Promise.all(transports.map(transport => call(mote, transport, 'ping', {})))
        return pings.every(target => target.state === 'ok')
      },
      60_000,
    )
  } catch (error) {
    const journal = await machine.sh('journalctl --no-pager -n 20 -u reops-agent -u reops-sshd -o cat').catch(() => '')
    throw new Error(`${error instanceof Error ? error.message : String(error)}; the machine says: ${journal}`, {
      cause: error,
    })
  }
}

const call = async (mote: TestMote, transport: Transport, operation: string, input: unknown): Promise<Target> => {
  const body = { on: transport, pipeline: { kind: 'call', operation, input }, timeoutMs: waitSeconds * 1000 }
  const run = (await done(mote.ask('POST', `/v1/runs?wait=${waitSeconds}`, { body }))) as Run
  const [target] = run.targets ?? []
  if (!target) throw new Error(`the run of ${operation} over ${transport} has no target`)
  return target
}

import { readFileSync, realpathSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { makeClient, type Client } from '@re-ops/client'
import { ensureFolder, writeAddressFile } from '@re-ops/service'
import type { Child } from './child.ts'
import { givenDatabase, keepPostgres, type Database } from './database.ts'
import { agentEnvironment, coreEnvironment, moteEnvironment, urlOf } from './environment.ts'
import { messageOf, SupervisorError } from './fault.ts'
import { lockFolder } from './folder-lock.ts'
import { agentProgram } from '../bundle/agent-program.ts'
import { startAgent, startService, whenReady } from './parts.ts'
import { choosePorts, endpointsFrom } from './ports.ts'
import { stopParts, type Parts } from './stop.ts'
import { startSystems, type Systems } from './systems.ts'
import { hostNameOf, prepareAgent } from './this-machine.ts'
import { ensureAdminToken } from './token.ts'
import { until } from './until.ts'
import { duration, line, namesText, phasesText } from './words.ts'

export type ClusterOptions = {
  /** The state folder; made when it is not there. */
  readonly state: string
  /** 0 = any free ports (the same again for the same folder). Absent: as the environment says, else the known ones. */
  readonly ports?: 0
  /** How many `local` systems to create when there is none. */
  readonly systems: number
  /** Lines for people, as things come up and when something is started again. */
  readonly onLine: (line: string) => void
  /** Over this process's own. */
  readonly environment?: Readonly<Record<string, string>>
  /** Ends a start that is under way; what has come up by then is stopped. */
  readonly signal?: AbortSignal
}

export const partNames = ['postgres', 're-mote', 'broker', 're-core', 'agent'] as const
export type PartName = (typeof partNames)[number]

/** Postgres, re-mote, re-core, this machine's agent and the systems, supervised: what dies is started again. */
export type Cluster = {
  readonly state: string
  readonly coreUrl: string
  readonly moteUrl: string
  readonly token: string
  readonly tokenFile: string
  /** Hold passwords; for checkers. */
  readonly databaseUrls: Database['urls']
  readonly client: Client
  readonly systems: Systems
  /** Process ids of the parts as they are now; null while one is down. */
  pids(): Readonly<Record<PartName, number | null>>
  /** Kills (-9) the part; the supervisor starts it again. Answers whether there was one. */
  kill(part: PartName): boolean
  /** Everything, machines of this computer included; what is wanted of them does not change. */
  stop(): Promise<void>
}

const onlineWithinMs = 30_000

/** Starts everything and waits until it can be used. Throws SupervisorError, after stopping what had come up. */
export const startCluster = async (options: ClusterOptions): Promise<Cluster> => {
  const state = await openState(options.state)
  const lock = await lockFolder(state)
  const parts: Parts = {}
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> =>
    (stopped ??= stopParts(parts).finally(() => {
      rmSync(join(state, 'cluster.json'), { force: true })
      lock.release()
    }))
  const failed = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, failed.signal]) : failed.signal
  try {
    return await start({ ...options, signal }, state, parts, stop)
  } catch (error) {
    failed.abort(new Error('the start failed')) // whatever still waits for other parts gives up
    await stop()
    throw error
  }
}

const openState = async (folder: string): Promise<string> => {
  try {
    return realpathSync(await ensureFolder(folder, '--state or REOPS_STATE'))
  } catch (error) {
    throw new SupervisorError(messageOf(error))
  }
}

const anyPorts = { REMOTE_PORT: '0', RECORE_PORT: '0', REMOTE_BROKER_PORT: '0' }

const start = async (
  options: ClusterOptions & { readonly signal: AbortSignal },
  state: string,
  parts: Parts,
  stop: () => Promise<void>,
): Promise<Cluster> => {
  const { onLine, signal } = options
  const environment: Readonly<Record<string, string | undefined>> = {
    ...process.env,
    ...(options.ports === 0 ? anyPorts : {}),
    ...options.environment,
  }
  let isUp = false // until then an end is a failed start, which is told as such
  const onRestart = (why: string) => isUp && onLine(line('restarting', why))
  const endpoints = endpointsFrom(environment)
  const ports = await choosePorts(state, endpoints)
  const { token, file: tokenFile } = await ensureAdminToken(state, environment)
  signal.throwIfAborted()

  const program = await agentProgram()
  const database = await openDatabase(environment, state, ports.postgres, onLine, onRestart)
  parts.database = database
  signal.throwIfAborted()

  const [moteUrl, coreUrl] = [urlOf(endpoints.mote, ports.mote), urlOf(endpoints.core, ports.core)]
  const client = makeClient({ coreUrl, moteUrl, token })
  const setting = { state, ports, endpoints }
  const moteSetting = moteEnvironment(environment, { ...setting, databaseUrl: database.urls.mote }, program)
  const coreSetting = coreEnvironment(environment, { ...setting, databaseUrl: database.urls.core }, moteUrl, program)
  const mote = (parts.mote = startService('mote', { state, environment: moteSetting, onRestart }))
  const core = (parts.core = startService('core', { state, environment: coreSetting, onRestart }))
  parts.machines = { state, environment: coreSetting }

  const moteReady = whenReady(mote, state, moteUrl, signal).then(() =>
    onLine(line('re-mote', moteUrl, `agents ${brokerEndpoint(state) ?? ''} (CURVE)`)),
  )
  const coreReady = whenReady(core, state, coreUrl, signal).then(() =>
    onLine(line('re-core', coreUrl, `API described at ${coreUrl}/docs`)),
  )
  const agentUp = moteReady.then(() =>
    startThisMachine({ state, program, client, moteUrl, parts, environment, onRestart, signal, onLine }),
  )
  const systemsUp = Promise.all([moteReady, coreReady]).then(async () => {
    const systems = await startSystems(client, options.systems, signal)
    tellSystems(systems, onLine)
    return systems
  })
  const [, systems] = await Promise.all([agentUp, systemsUp])
  await writeAddressFile(state, 'cluster', {
    coreUrl,
    moteUrl,
    tokenFile,
    startedAt: new Date().toISOString(),
    pid: process.pid,
  })
  isUp = true
  const pids = () => pidsOf(parts, state)
  return {
    state,
    coreUrl,
    moteUrl,
    token,
    tokenFile,
    databaseUrls: database.urls,
    client,
    systems,
    pids,
    kill: part => {
      const pid = pids()[part]
      if (pid !== null) process.kill(pid, 'SIGKILL')
      return pid !== null
    },
    stop,
  }
}

const openDatabase = async (
  environment: Readonly<Record<string, string | undefined>>,
  state: string,
  port: number,
  onLine: (line: string) => void,
  onRestart: (why: string) => unknown,
): Promise<Database> => {
  const started = performance.now()
  const given = environment['DATABASE_URL']
  const database = given ? await givenDatabase(given, environment) : await keepPostgres(state, port, onRestart)
  onLine(
    line('postgres', database.words, given ? null : join(state, 'postgres'), duration(performance.now() - started)),
  )
  return database
}

type ThisMachine = {
  readonly program: string
  readonly state: string
  readonly client: Client
  readonly moteUrl: string
  readonly parts: Parts
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly onRestart: (why: string) => unknown
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

/** This machine through a real agent; waits until it is online. */
const startThisMachine = async (deps: ThisMachine): Promise<void> => {
  const { state, program, client, moteUrl, parts, environment, onRestart, signal, onLine } = deps
  const started = performance.now()
  const enrols = await prepareAgent(client, state, moteUrl)
  signal.throwIfAborted()
  const agent: Child = startAgent({ state, program, environment: agentEnvironment(environment, state), onRestart })
  parts.agent = agent
  await agent.during(
    until({ what: "this machine's agent: coming online", limitMs: onlineWithinMs, signal }, async () => {
      const hosts = await client.mote.hosts({ on: 'this=true' }).catch(() => [])
      const online = hosts.some(host => host.online && host.pid !== null && host.pid === agent.pid())
      return online ? { ok: undefined } : { not: 're-mote has no session of it' }
    }),
  )
  const name = hostNameOf(hostname())
  onLine(
    line('this machine', `${enrols ? 'enrolled as' : 'online as'} ${name} in ${duration(performance.now() - started)}`),
  )
}

const tellSystems = ({ systems, created, missing }: Systems, onLine: (line: string) => void): void => {
  if (systems.length === 0) return
  const providers = [...new Set(systems.map(system => system.provider))]
  const names = providers.map(
    provider => `${provider}/${namesText(systems.filter(one => one.provider === provider).map(one => one.name))}`,
  )
  const label = systems.length === 1 ? '1 system' : `${systems.length} systems`
  onLine(line(label, names.join(', '), created ? phasesText(systems) : missing.length === 0 ? 'running' : null))
  for (const why of missing) onLine(line('', why))
}

type Broker = { readonly pid?: unknown; readonly endpoint?: unknown }
/** Read here and not with the service's reader: whoever asks for pids wants them now, and a torn file is none. */
const brokersOf = (state: string): readonly Broker[] => {
  try {
    const { brokers } = JSON.parse(readFileSync(join(state, 're-mote.json'), 'utf8')) as { brokers?: unknown }
    return Array.isArray(brokers) ? (brokers as Broker[]) : []
  } catch {
    return [] // re-mote is not up
  }
}
const brokerEndpoint = (state: string): string | null => {
  const endpoint = brokersOf(state)[0]?.endpoint
  return typeof endpoint === 'string' ? endpoint : null
}

const pidsOf = (parts: Parts, state: string): Record<PartName, number | null> => {
  const broker = brokersOf(state)[0]?.pid
  return {
    postgres: parts.database?.pid() ?? null,
    're-mote': parts.mote?.pid() ?? null,
    broker: typeof broker === 'number' ? broker : null,
    're-core': parts.core?.pid() ?? null,
    agent: parts.agent?.pid() ?? null,
  }
}

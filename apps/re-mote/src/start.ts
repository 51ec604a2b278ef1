import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { operationNamed } from '@re-ops/operations'
import {
  ensureFolder,
  ensureMasterKeys,
  ensureTokenKey,
  listen,
  makeHold,
  makeLog,
  makeSecrets,
  type Environment,
  type ServiceContext,
  type Started,
} from '@re-ops/service'
import type { AgentAsks, CallAnswer } from './broker/words.ts'
import type { Config } from './config.ts'
import { makeDriver, type Driver } from './driver/driver.ts'
import { makeMoteMetrics } from './metrics.ts'
import { makeLiveOperations } from './runner/live-operations.ts'
import { adoptRuns } from './services/adopt.ts'
import { makeHub } from './services/events.ts'
import { makeFacts } from './services/facts.ts'
import { makeFiles } from './services/files.ts'
import { makeFreshFacts } from './services/fresh-facts.ts'
import { makeAgentSchedules } from './services/agent-schedules.ts'
import { makeKeys } from './services/keys.ts'
import { makeModules } from './services/modules.ts'
import { makeOutputReaders } from './services/outputs.ts'
import { makePrepare } from './services/prepare.ts'
import { startRun, type RunsDeps } from './services/runs.ts'
import { makeTransfers } from './services/transfers.ts'
import { findHosts } from './store/hosts.ts'
import { findRuns } from './store/runs.ts'
import { ensureInstallation } from './store/installation.ts'
import { ensureReplica, handOver } from './peers/own.ts'
import { joinPeers, type Peers } from './peers/peers.ts'
import { startSsh } from './ssh/start.ts'
import { faultsOf } from './start/faults.ts'
import { openPools } from './start/pools.ts'
import { serve } from './start/serve.ts'
import { startLink, type Link } from './zmq/link.ts'

const name = 're-mote'
const adoptEveryMs = 5_000
/** A run younger than this may still be on its way from its statement into memory. */
const adoptAfterMs = 15_000

/** Builds the service from its configuration: Postgres, keys, driver, broker, HTTP, in this order. */
export const start = async (context: ServiceContext, config: Config, environment: Environment): Promise<Started> => {
  const faults = faultsOf(config)
  const log = makeLog({ service: name, level: config.logLevel })
  const state = await ensureFolder(config.state, 'REOPS_STATE')
  const masterKeys = await ensureMasterKeys({ stateFolder: state, reference: config.masterKey, environment })
  const tokenKey = await ensureTokenKey(state, { reference: config.tokenKey, environment })
  const { url: databaseUrl, pool, writer, lax } = await openPools(context, config, { environment, state, log })
  // Driver and link know each other: the driver is made first and asks the link only once it is there.
  const parts: { link?: Link; peers?: Peers; announce?: () => void } = {}
  const installation = await ensureInstallation(pool, masterKeys)
  const replica = await ensureReplica(state)
  const keys = makeKeys({
    log,
    pool,
    masterKeys,
    installation,
    endpoints: () => parts.peers?.endpoints ?? [],
    publish: async keyset => parts.link?.publish(keyset),
    restartBroker: async () => parts.link?.restart(),
  })

  const isOnline = (host: string) => parts.peers?.epochOf(host) !== undefined
  const hub = makeHub({
    log,
    readHosts: ids => findHosts(pool, isOnline, ids),
    readRuns: ids => findRuns(pool, ids),
  })
  context.onStop('events', hub.close)
  const facts = makeFacts({ log, pool, operationNamed, onHostChanged: hub.hostChanged })
  context.onStop('facts', facts.drained)
  const sizes = () => ({ ...driver.size(), sessions: parts.link?.sessions ?? 0, sshConnections: ssh.pool.size })
  const metrics = makeMoteMetrics(pool, sizes)
  const secrets = makeSecrets({ pool, schema: 'mote', masterKeys })
  const modules = makeModules({
    log,
    pool,
    keys: () => keys.current().modules,
    audit: entry => parts.link?.audit(entry),
    say: item => parts.link?.sayModule(item),
  })
  const live = makeLiveOperations(modules.load)
  context.onStop('runners', async () => live.close())
  const tellRevoked = (fresh: readonly string[]) => {
    live.drop(fresh)
    modules
      .tellRevoked(fresh)
      .catch((error: unknown) => log.warn({ err: error }, 'agents could not be told of revoked modules'))
  }
  const files = makeFiles({ log, pool, bytesMax: config.filesBytesMax, keptDays: config.filesKeptDays })
  context.onStop('files', async () => files.close())
  const ssh = await startSsh({
    log,
    postgres: writer,
    secrets,
    live,
    contents: host => files.contentsFor(`host ${host}`),
    stateFolder: state,
    spoolBytesMax: config.spoolBytesMax,
    agentSocket: config.sshAgent,
    onStarted: id => driver.overSsh.onStarted(id),
    onEnd: (id, result) => driver.overSsh.onEnd(id, result),
    onHostChanged: hub.hostChanged,
  })
  const outputs = makeOutputReaders({
    ssh: ssh.outputs,
    epochOf: host => parts.link?.epochOf(host),
    send: (host, epoch, messages) => parts.link?.send(host, epoch, messages),
  })
  const driver: Driver = makeDriver({
    log,
    pool: writer,
    lax,
    events: {
      target: hub.target,
      began: hub.began,
      done: ({ id, summary }) => {
        hub.done(id, summary)
        parts.peers?.tell({ kind: 'changed', run: id })
      },
    },
    epochOf: host => parts.peers?.epochOf(host),
    // Before the broker is up every host of a stored run may be on its way back.
    isReturning: host => parts.peers?.isReturning(host) ?? true,
    call: (shape, to) => parts.peers?.call(shape, to),
    send: (host, epoch, messages) => parts.peers?.send(host, epoch, messages),
    slow: isSlow => parts.link?.slow(isSlow),
    forward: (owner, { host, id, ms, result }) =>
      owner !== null && parts.peers?.forward(owner, host, { kind: 'call.result', body: { id, ms, result } }) === true,
    ssh: ssh.transport,
    prepare: makePrepare({ files, findHost: async id => (await findHosts(pool, isOnline, [id]))[0] }),
    callbacks: live,
    reads: operation => operationNamed(operation)?.reads === true,
    onCommit: metrics.onCommit,
    onCallEnd: metrics.onCallEnd,
    onUnclaimed: metrics.onUnclaimed,
    // What the catalogue calls facts; a module may have an operation of that name.
    onResult: ({ target, operation, module, input }, value) => {
      if (module === undefined) facts.note({ host: target.host, operation, input, value })
    },
    settleBeforeCommit: faults.has('ack-before-commit'),
    hold: makeHold({ windows: config.windows, proofKit: config.proofKit, state }),
  })
  context.onStop('driver', driver.close)
  // Before the driver, which then commits how the calls under way ended.
  context.onStop('ssh', ssh.close)
  const transfers = makeTransfers({
    log,
    files,
    callOf: id => {
      const call = driver.callUnderWay(id)
      if (!call) return undefined
      const { module, target } = call
      const { operation, input } = call.as ?? call
      // A module is code of its own: it says nothing about contents.
      const needs = module === undefined ? operationNamed(operation)?.shell?.contents?.(input) : undefined
      return { host: target.host, needs, subject: `host ${target.name}` }
    },
    send: (host, message) => {
      const epoch = parts.peers?.epochOf(host)
      if (epoch !== undefined) parts.peers?.send(host, epoch, [message])
    },
    sayChunk: item => parts.link?.sayChunk(item),
    onUnclaimed: metrics.onUnclaimed,
  })
  context.onStop('transfers', async () => transfers.close())
  const runs: RunsDeps = {
    log,
    pool,
    writer,
    driver,
    modules,
    files,
    broker: () => parts.link?.broker ?? installation.id,
    replica,
    onCreated: run => {
      hub.runChanged(run)
      parts.peers?.tell({ kind: 'changed', run })
    },
  }
  const fresh = makeFreshFacts({
    log,
    pool,
    hours: config.factsHours,
    isOnline,
    calls: () => driver.size().calls,
    run: async (body, asked) => (await startRun(runs, { body, ...asked, key: undefined })).ended,
  })
  context.onStop('fresh facts', async () => fresh.close())
  const heard = (host: string, message: CallAnswer | AgentAsks) => {
    if (message.kind === 'file.open' || message.kind === 'file.offer' || message.kind === 'file.give')
      transfers.onHeard(host, message)
    else driver.onHeard(host, message)
  }
  const peers = await joinPeers({
    log,
    pool,
    replica,
    link: () => parts.link,
    onLive: driver.onLive,
    onHeard: heard,
    onUnsent: driver.onUnsent,
    onHostChanged: hub.hostChanged,
    onRunChanged: hub.runChanged,
    onCancel: driver.cancel,
    onPause: driver.pause,
    onGone: () => {
      parts.link?.endForeign()
      driver
        .loadGivenUp()
        .catch((error: unknown) => log.warn({ err: error }, 'calls that it had given up cannot be looked up now'))
    },
    onKnown: driver.retryEarly,
    onLapsed: () => {
      const link = parts.link
      if (link)
        handOver({ log, pool, replica, driver, link }).catch((error: unknown) =>
          log.warn({ err: error }, 'what others have taken over cannot be looked up now'),
        )
    },
    onEndpoints: endpoints => {
      keys
        .keysetFor(endpoints)
        .then(signed => parts.link?.publish(signed))
        .catch((error: unknown) => log.warn({ err: error }, 'a keyset with other endpoints cannot be published now'))
    },
    onReplaced: () => {
      log.fatal({ state }, 'another re-mote runs on this state folder now; this one ends')
      process.kill(process.pid, 'SIGTERM')
    },
  })
  parts.peers = peers
  context.onStop('peers', peers.close)
  // Stored runs are known before the first agent can answer for them.
  await adoptRuns(runs, 0)
  await driver.loadGivenUp()

  const agentSchedules = makeAgentSchedules({
    log,
    pool,
    epochOf: host => parts.link?.epochOf(host),
    send: (host, epoch, messages) => parts.link?.send(host, epoch, messages),
    onUnclaimed: metrics.onUnclaimed,
  })
  context.onStop('samples', agentSchedules.close)
  await agentSchedules.refresh()
  const link = await startLink({
    log,
    pool,
    writer,
    bind: `tcp://${config.brokerHost}:${config.brokerPort === 0 ? '*' : config.brokerPort}`,
    curve: () => keys.current().curve,
    shakesFile: join(state, 're-mote.shakes'),
    keysetFor: async (broker, endpoint) =>
      keys.keysetFor(await peers.announce(broker, config.brokerAdvertise ?? endpoint)),
    onLive: (host, epoch) => {
      peers.live(host, epoch)
      driver.onLive(host, epoch)
      agentSchedules.onLive(host, epoch)
      fresh.noteLive()
    },
    onEnded: peers.ended,
    onAway: peers.away,
    onHeard: (host, message) => {
      if (!peers.heard(host, message)) heard(host, message)
    },
    onSamples: agentSchedules.onHeard,
    onOutput: outputs.onChunk,
    onUnsent: (host, calls, why) => {
      if (!peers.unsent(host, calls, why)) driver.onUnsent(host, calls, why)
    },
    onHostChanged: hub.hostChanged,
    onStats: metrics.onStats,
    onModuleWanted: modules.onWanted,
    onChunkWanted: transfers.onChunkWanted,
    onListening: () => {
      parts.announce?.()
      tellRevoked([])
    },
  })
  parts.link = link
  context.onStop('broker', link.close)
  const listener = listen({
    url: databaseUrl,
    channels: ['mote_allow', 'mote_ssh', 'mote_module', 'mote_relay'],
    onNotify: (channel, payload) => {
      if (channel === 'mote_relay') return payload === replica ? peers.wake() : undefined
      if (channel === 'mote_ssh') ssh.directory.changed()
      else if (channel === 'mote_module') tellRevoked([payload])
      else link.allowChanged()
    },
    onConnect: () => {
      link.allowReload()
      peers.wake()
      ssh.directory.changed()
      tellRevoked([])
    },
    log,
  })
  context.onStop('listener', listener.close)
  const adopting = setInterval(() => {
    adoptRuns(runs, adoptAfterMs).catch((error: unknown) =>
      log.debug({ err: error }, 'stored runs cannot be looked up now'),
    )
  }, adoptEveryMs)
  context.onStop('sweep', () => clearInterval(adopting))

  const shipped = join(import.meta.dirname, 're-gent')
  const { url, announce } = await serve(context, config, {
    log,
    pool,
    state,
    installation,
    tokenPublicKey: tokenKey.publicKey,
    metrics: metrics.metrics,
    hub,
    link,
    peers,
    isOnline,
    driver,
    runs,
    ssh,
    secrets,
    modules,
    outputs,
    files,
    keys,
    agentSchedules,
    agentFolder: config.agent ?? (existsSync(shipped) ? shipped : undefined),
  })
  parts.announce = announce
  return { url, details: { endpoint: link.endpoint } }
}

import { join } from 'node:path'
import {
  ensureMasterKeys,
  ensureStateFolder,
  ensureTokenKey,
  forgetOldKeys,
  idempotencyMigration,
  listen,
  makeApp,
  makeLog,
  makeMetrics,
  makePool,
  makeTokenSigner,
  makeTokenVerifier,
  migrate,
  resolveReference,
  secretMigration,
  startPostgres,
  transaction,
  writeAddressFile,
  type Running,
} from '@re-ops/service'
import type { SigningKeys } from '@re-ops/protocols'
import { Histogram } from 'prom-client'
import { makeCipher } from './cipher.ts'
import type { Config } from './config.ts'
import { startQueue } from './jobs/queue.ts'
import { every } from './jobs/tick.ts'
import { startWorker, timings, type WorkerDeps } from './jobs/worker.ts'
import { makeMoteHttp } from './moteHttp.ts'
import { providerTable } from './providers/table.ts'
import { eventRoutes } from './routes/events.ts'
import { jobRoutes } from './routes/jobs.ts'
import { systemRoutes } from './routes/systems.ts'
import { makeChanges } from './services/changes.ts'
import { installationId } from './store/installation.ts'
import { migrations } from './store/migrations.ts'
import { ownToken } from './token.ts'

export const version = '0.1.0'
const stopGraceMs = 5_000
const moteTimeoutMs = 5_000

/** Builds re-core from its configuration and starts it; the parts stop in the opposite order. */
export const start = async (config: Config, environment: NodeJS.ProcessEnv): Promise<Running> => {
  const log = makeLog({ service: 're-core', level: config.logLevel })
  const state = ensureStateFolder(config.state)
  const stops: (() => unknown)[] = []
  const stop = async () => {
    for (const one of stops.splice(0).toReversed()) await one()
  }
  try {
    const masterKeys = ensureMasterKeys({
      stateFolder: state,
      environment,
      ...(config.masterKey === undefined ? {} : { reference: config.masterKey }),
    })
    const tokenKeys =
      config.tokenKey === undefined
        ? ensureTokenKey(state)
        : (JSON.parse(resolveReference(config.tokenKey, environment)) as SigningKeys)
    const metrics = makeMetrics('re-core')
    let url = config.databaseUrl
    if (url === null) {
      const postgres = await startPostgres({ folder: join(state, 'postgres'), log })
      stops.push(() => postgres.stop())
      url = postgres.url
    }
    const pool = makePool({ url, log, max: 12, name: 're-core' })
    stops.push(() => pool.end())
    await migrate({
      pool,
      schema: 'core',
      migrations: [...migrations, idempotencyMigration('core'), secretMigration('core')],
      log,
    })
    const installation = await installationId(pool)
    const queue = await startQueue({ url, log })
    const providers = providerTable({
      local:
        config.agentCommand === null
          ? null
          : {
              root: config.localFolder,
              agentCommand: config.agentCommand,
              now: Date.now,
              stopGraceMs,
              unfenced: config.unfenced,
            },
    })
    const token = ownToken(makeTokenSigner(tokenKeys), Date.now)
    const mote =
      config.moteUrl === null
        ? null
        : { mote: makeMoteHttp({ url: config.moteUrl, token, timeoutMs: moteTimeoutMs }), token }
    const inTransaction: WorkerDeps['transaction'] = fn => transaction(pool, fn)
    const toCreateCall = new Histogram({
      name: 'recore_create_call_seconds',
      help: "from POST /v1/systems to the provider's create call",
      buckets: [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      registers: [metrics],
    })
    const worker = await startWorker({
      pool,
      transaction: inTransaction,
      queue,
      providers,
      mote,
      cipher: makeCipher(masterKeys),
      installation,
      fenced: !config.unfenced,
      timings,
      log,
      onCreateCall: ms => toCreateCall.observe(ms / 1_000),
    })
    stops.push(() => worker.stop())
    const changes = makeChanges({ pool, onError: error => log.warn({ err: error }, 'changes were not read') })
    stops.push(() => changes.stop())
    const listener = listen({
      url,
      channels: ['core_event'],
      onNotify: (_channel, payload) => changes.onNotify(payload),
      log,
    })
    stops.push(() => listener.stop())
    const forgetting = new AbortController()
    void every(
      { log, random: Math.random },
      { name: 'keys', everyMs: 3_600_000 },
      () => forgetOldKeys(pool, 'core'),
      forgetting.signal,
    )
    stops.push(() => forgetting.abort())

    const app = await makeApp({
      name: 're-core',
      version,
      log,
      verifier: makeTokenVerifier(tokenKeys),
      metrics,
      ready: async () => ({
        postgres: await pool.query('select 1').then(
          () => 'ok',
          (error: Error) => `does not answer: ${error.message}`,
        ),
      }),
    })
    const services = { pool, transaction: inTransaction, queue, providers, hasMote: mote !== null, now: Date.now }
    systemRoutes(app, services)
    jobRoutes(app, services)
    eventRoutes(app, changes)
    stops.push(() => app.close())
    const address = await app.listen({ host: config.host, port: config.port })
    const file = writeAddressFile(state, 're-core', { pid: process.pid, url: address })
    stops.push(() => file.remove())
    return { ready: `re-core ${address}`, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

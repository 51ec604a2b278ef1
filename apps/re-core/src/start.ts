import {
  checkDatabase,
  ensureFolder,
  ensureMasterKeys,
  ensureTokenKey,
  idempotencyMigration,
  listen,
  makeApp,
  makeHold,
  makeLog,
  makeMetrics,
  makePool,
  makeSecrets,
  makeTokenSigner,
  makeTokenVerifier,
  migrate,
  observePool,
  openDatabase,
  resolveReference,
  secretMigration,
  transaction,
  writeAddressFile,
  type Environment,
  type Metrics,
  type ServiceContext,
  type Started,
} from '@re-ops/service'
import { Histogram } from 'prom-client'
import { makeCipher } from './cipher.ts'
import type { Config } from './config.ts'
import { startQueue } from './jobs/queue.ts'
import { startWorker, timings, type WorkerDeps } from './jobs/worker.ts'
import { observeAlarms } from './metrics.ts'
import { makeMoteHttp } from './moteHttp.ts'
import { makeLimiter } from './limits/limiter.ts'
import { makeOpener, type OpenerDeps } from './providers/opener.ts'
import { driverTable } from './providers/table.ts'
import { accountRoutes } from './routes/accounts.ts'
import { consoleRoutes } from './routes/consoles.ts'
import { costRoutes } from './routes/costs.ts'
import { eventRoutes } from './routes/events.ts'
import { importRoutes } from './routes/import.ts'
import { jobVerbRoutes } from './routes/job-verbs.ts'
import { jobRoutes } from './routes/jobs.ts'
import { keyAndFirewallRoutes } from './routes/keys-and-firewalls.ts'
import { secretRoutes } from './routes/secrets.ts'
import { snapshotRoutes } from './routes/snapshots.ts'
import { systemChangeRoutes } from './routes/system-changes.ts'
import { leaseRoutes } from './routes/leases.ts'
import { quotaRoutes } from './routes/quotas.ts'
import { noticeRoutes } from './routes/notices.ts'
import { systemRoutes } from './routes/systems.ts'
import { volumeRoutes } from './routes/volumes.ts'
import { wordRoutes } from './routes/words.ts'
import { consoleChannel, makeConsoleMail } from './services/console-mail.ts'
import { makeChanges } from './services/changes.ts'
import { accountByName } from './store/accounts.ts'
import { installationId } from './store/installation.ts'
import { migrations } from './store/migrations.ts'
import { ownToken } from './token.ts'

const version = '0.1.0'
const stopGraceMs = 5_000
const moteTimeoutMs = 5_000

const createCallTimes = ({ registry }: Metrics) =>
  new Histogram({
    name: 'recore_create_call_seconds',
    help: "from POST /v1/systems to the provider's create call",
    buckets: [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
    registers: [registry],
  })

const driversOf = ({ agentCommand, localFolder, unfenced, ec2Endpoint }: Config) =>
  driverTable({
    ec2: ec2Endpoint === null ? {} : { endpoint: ec2Endpoint },
    kvm: { now: Date.now },
    local: agentCommand === null ? null : { root: localFolder, agentCommand, now: Date.now, stopGraceMs, unfenced },
  })

/** Builds re-core from its configuration and starts it; the parts stop in the opposite order. */
export const start = async (config: Config, environment: Environment, context: ServiceContext): Promise<Started> => {
  const log = makeLog({ service: 're-core', level: config.logLevel })
  const state = await ensureFolder(config.state, 'REOPS_STATE')
  const tokenKeys = await ensureTokenKey(state, { reference: config.tokenKey, environment })
  const masterKeys = await ensureMasterKeys({ stateFolder: state, reference: config.masterKey, environment })
  const cipher = makeCipher(masterKeys)
  const database = await openDatabase({ databaseUrl: config.databaseUrl, stateFolder: state, log })
  context.onStop('database', () => database.stop())
  const { url } = database
  const pool = makePool({ url, log, max: 12, applicationName: 're-core' })
  context.onStop('pool', () => pool.end())
  await migrate({
    pool,
    schema: 'core',
    migrations: [...migrations, idempotencyMigration('core'), secretMigration('core')],
    log,
  })
  const secrets = makeSecrets({ pool, schema: 'core', masterKeys })
  const metrics = makeMetrics({ service: 're-core' })
  observePool(metrics, pool)
  observeAlarms(metrics, pool)

  const token = ownToken(makeTokenSigner(tokenKeys), Date.now)
  const { moteUrl } = config
  const mote =
    moteUrl === null ? null : { mote: makeMoteHttp({ url: moteUrl, token, timeoutMs: moteTimeoutMs }), token }
  const inTransaction: WorkerDeps['transaction'] = fn => transaction(pool, fn)
  const opener: OpenerDeps = {
    drivers: driversOf(config),
    account: name => accountByName(pool, name),
    secret: reference => resolveReference(reference, { environment, secrets }),
    limiter: (place, specs) => makeLimiter({ sql: pool, log }, { ...place, specs }),
    now: Date.now,
  }
  const open = makeOpener(opener)
  const queue = await startQueue({ url, log })
  context.onStop('queue', () => queue.stop())
  const times = createCallTimes(metrics)
  const installation = await installationId(pool)
  const hold = makeHold({ ...config, state })
  const worker = await startWorker({
    pool,
    transaction: inTransaction,
    queue,
    drivers: opener.drivers,
    open,
    mote,
    cipher,
    installation,
    reaper: config.reaper,
    fenced: !config.unfenced,
    timings,
    log,
    onCreateCall: ms => times.observe(ms / 1_000),
    ...(hold === null ? {} : { at: hold }),
  })
  context.onStop('worker', () => worker.stop())

  const changes = makeChanges({ pool, onError: error => log.warn({ err: error }, 'changes were not read') })
  context.onStop('changes', changes.stop)
  const mail = makeConsoleMail({
    pool,
    cipher,
    onError: error => log.warn({ err: error }, 'a console was not typed into'),
  })
  const onNotify = (channel: string, payload: string) =>
    channel === consoleChannel ? mail.onNotify(payload) : changes.onNotify(payload)
  const onConnect = () => {
    mail.onConnect()
    changes.onGap()
  }
  const listener = listen({ url, channels: ['core_event', consoleChannel], onNotify, onConnect, log })
  context.onStop('listener', () => listener.close())

  const verifier = makeTokenVerifier(tokenKeys)
  const ready = { postgres: () => checkDatabase(url, 0) }
  const app = await makeApp({ name: 're-core', version, log, verifier, metrics, ready })
  const services = {
    pool,
    transaction: inTransaction,
    queue,
    begin: worker.begin,
    freezeNew: worker.freezeNew,
    opener,
    open,
    installation,
    hasMote: mote !== null,
    prices: config.prices,
    cipher,
    now: Date.now,
  }
  systemRoutes(app, services)
  systemChangeRoutes(app, services)
  snapshotRoutes(app, services)
  importRoutes(app, services)
  jobRoutes(app, services)
  jobVerbRoutes(app, services)
  accountRoutes(app, services)
  leaseRoutes(app, services)
  quotaRoutes(app, services)
  noticeRoutes(app, services)
  wordRoutes(app, services)
  costRoutes(app, services)
  secretRoutes(app, { secrets, pool })
  volumeRoutes(app, services)
  keyAndFirewallRoutes(app, services)
  consoleRoutes(app, { ...services, mail })
  eventRoutes(app, changes)
  context.onStop('HTTP', () => app.close())
  const address = await app.listen({ host: config.host, port: config.port })
  const file = await writeAddressFile(state, 're-core', { pid: process.pid, url: address })
  context.onStop('address', () => file.remove())
  return { url: address }
}

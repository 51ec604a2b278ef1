import { createHmac } from 'node:crypto'
import {
  makeApp,
  makeTokenVerifier,
  writeAddressFile,
  type Log,
  type Metrics,
  type ServiceContext,
} from '@re-ops/service'
import { makeBundles } from '../agents/bundle.ts'
import { makeDeployments, type Deployments } from '../agents/deployments.ts'
import type { Config } from '../config.ts'
import type { Peers } from '../peers/peers.ts'
import { addAgentSchedules } from '../routes/agent-schedules.ts'
import { addAgents } from '../routes/agents.ts'
import type { RouteDeps } from '../routes/deps.ts'
import { addEnrolments } from '../routes/enrolments.ts'
import { addFiles } from '../routes/files.ts'
import { addHosts } from '../routes/hosts.ts'
import { addKeys } from '../routes/keys.ts'
import { addModules } from '../routes/modules.ts'
import { addOutputs } from '../routes/outputs.ts'
import { addRunControl } from '../routes/run-control.ts'
import { addRuns } from '../routes/runs.ts'
import { addSelectors } from '../routes/selectors.ts'
import { addSsh } from '../routes/ssh.ts'
import type { EnrolmentDeps } from '../services/enrolments.ts'
import type { Installation } from '../store/installation.ts'

const version = '0.1.0'
const name = 're-mote'

export type ServeDeps = Omit<RouteDeps, 'deployments' | 'enrolments' | 'enrol' | 'keyset' | 'enrolsPerMinuteMax'> & {
  readonly log: Log
  readonly state: string
  readonly installation: Installation
  /** Of the key that API tokens are signed with, PEM. */
  readonly tokenPublicKey: Parameters<typeof makeTokenVerifier>[0]['publicKey']
  readonly metrics: Metrics
  readonly peers: Pick<Peers, 'tell'>
  /** With the agent that is deployed; undefined: there is none. */
  readonly agentFolder: string | undefined
}
export type Served = {
  readonly url: string
  /** Another broker listens: the address file says so. */
  announce(): void
}

/** Serves HTTP and tells where. Everything behind it runs already. */
export const serve = async (context: ServiceContext, config: Config, deps: ServeDeps): Promise<Served> => {
  const { log, pool, link, state } = deps
  const app = await makeApp({
    name,
    version,
    log,
    verifier: makeTokenVerifier({ publicKey: deps.tokenPublicKey }),
    metrics: deps.metrics,
    ready: {
      postgres: async () => void (await pool.query('select 1')),
      broker: async () => {
        if (link.pid === null) throw new Error('the broker is being restarted')
      },
    },
  })
  const listening = { url: '' }
  const enrolments = enrolmentsOf(deps)
  const deployments = makeAgentDeployments(deps, { config, enrolments, url: () => listening.url })
  context.onStop('deployments', deployments.close)
  const routes = routeDeps(deps, { config, enrolments, deployments })
  for (const add of families) add(app, routes)
  context.onStop('http', () => app.close())
  const url = await app.listen({ host: config.host, port: config.port })
  listening.url = url
  const write = () => writeAddressFile(state, name, { url, brokers: [{ pid: link.pid, endpoint: link.endpoint }] })
  const address = await write()
  context.onStop('address file', address.remove)
  const announce = () =>
    void write().catch((error: unknown) => log.error({ err: error }, 'the address file cannot be written'))
  return { url, announce }
}

const families = [
  addRuns,
  addRunControl,
  addHosts,
  addSsh,
  addSelectors,
  addEnrolments,
  addAgents,
  addAgentSchedules,
  addModules,
  addKeys,
  addOutputs,
  addFiles,
]

const enrolmentsOf = ({ pool, installation }: ServeDeps): EnrolmentDeps => {
  const { root } = installation.keys
  const derivationKey = createHmac('sha256', root.privateKey).update('re-ops enrolment tokens').digest('base64url')
  return { pool, rootKey: root.publicKey, derivationKey }
}

type Around = { readonly config: Config; readonly enrolments: EnrolmentDeps }
const makeAgentDeployments = (
  { log, pool, ssh, secrets, link, hub, state, agentFolder }: ServeDeps,
  { config, enrolments, url }: Around & { url(): string },
): Deployments =>
  makeDeployments({
    log,
    pool,
    ssh: { folder: ssh.folder, pool: ssh.pool, secret: reference => secrets.get(reference) },
    enrolments,
    bundle: makeBundles({ folder: agentFolder, state }),
    advertise: config.advertise,
    url,
    endpoint: () => config.brokerAdvertise ?? link.endpoint ?? '',
    epochOf: link.epochOf,
    endSession: (host, reason) => link.endSession(host, reason, false),
    hostChanged: host => {
      ssh.directory.changed()
      hub.hostChanged(host)
    },
    audit: link.audit,
  })

const routeDeps = (
  deps: ServeDeps,
  { config, enrolments, deployments }: Around & { readonly deployments: Deployments },
): RouteDeps => {
  const { pool, hub, link, driver, peers, keys, installation } = deps
  return {
    ...deps,
    driver: {
      ...driver,
      // A run that another service drives is that one's to end or hold back.
      cancel: run => (driver.get(run) ? driver.cancel(run) : peers.tell({ kind: 'cancel', run })),
      pause: (run, paused) =>
        driver.get(run) ? driver.pause(run, paused) : peers.tell({ kind: 'pause', run, paused }),
    },
    keyset: keys.keyset,
    enrolsPerMinuteMax: config.enrolsPerMinute,
    deployments,
    enrolments,
    enrol: {
      pool,
      sealPrivateKey: installation.keys.seal.privateKey,
      keyset: keys.keyset,
      audit: link.audit,
      onEnrolled: host => {
        link.allowChanged()
        hub.hostChanged(host)
      },
    },
  }
}

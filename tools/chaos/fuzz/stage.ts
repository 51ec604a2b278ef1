import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureTokenKey, makeTokenSigner } from '@re-ops/service'
import type { Keyset, Scope } from '@re-ops/protocols'
import { enrolHost, type FakeIdentity } from '@re-ops/re-mote/testing'
import { startCluster, type Cluster } from '../../supervisor/cluster.ts'
import type { Random } from '../foundation/random.ts'
import { policy, startAttackedAgent, type AttackedAgent } from './broker-attack.ts'
import { recordSession, type Corpus } from './corpus.ts'
import type { Credentials } from './http-attack.ts'
import type { BrokerAddress } from './peer.ts'

/** All that is attacked, real, and what attackers hold. */
export type Stage = {
  readonly cluster: Cluster
  readonly attacked: AttackedAgent
  readonly corpus: Corpus
  readonly broker: BrokerAddress
  readonly credentials: Credentials
  /** Enrolled agents gone bad. */
  readonly identities: readonly FakeIdentity[]
  close(): Promise<void>
}

const tokenTtlMs = 6 * 3_600_000
const subjects = 8

const signTokens = async (state: string): Promise<Credentials> => {
  const signer = makeTokenSigner(await ensureTokenKey(state, { environment: {} }))
  const sign = async (subject: string, scopes: Scope[]) =>
    (await signer.sign({ subject, scopes, ttlMs: tokenTtlMs })).token
  const names = Array.from({ length: subjects }, (_, at) => `fuzz-${at}`)
  return {
    admin: await Promise.all(names.map(name => sign(name, ['admin']))),
    small: await Promise.all(names.map(name => sign(`${name}-small`, ['runs:read']))),
  }
}

const askOf =
  ({ moteUrl, token }: Cluster) =>
  async (method: string, path: string, options: { body?: unknown } = {}) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = options.body === undefined ? {} : { body: JSON.stringify(options.body) }
    const response = await fetch(`${moteUrl}${path}`, { method, headers, ...body })
    return { status: response.status, body: await response.json(), headers: response.headers }
  }

export const openStage = async (random: Random, agents: number): Promise<Stage> => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reops-fuzz-')))
  const state = join(folder, 'state')
  const policyFile = join(folder, 'policy.json')
  writeFileSync(policyFile, policy)
  const closers: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const close = async () => {
    for (const one of closers.toReversed()) await one()
  }
  try {
    const environment = { REGENT_POLICY: policyFile }
    const cluster = await startCluster({ state, systems: 0, ports: 0, onLine: () => undefined, environment })
    closers.push(cluster.stop)
    const corpus = await recordSession(cluster, folder, random)
    const attacked = await startAttackedAgent(corpus.fromBroker)
    closers.push(attacked.close)
    const ask = askOf(cluster)
    const identities: FakeIdentity[] = []
    for (let at = 0; at < agents; at += 1) identities.push(await enrolHost({ ask }, { name: `hostile-${at}` }))
    const keyset = (await ask('GET', '/v1/keyset')).body as Keyset
    const { brokers } = JSON.parse(readFileSync(join(state, 're-mote.json'), 'utf8')) as {
      brokers: { endpoint: string }[]
    }
    const broker = { endpoint: brokers[0]?.endpoint ?? '', serverKey: keyset.curveServerKeys[0] ?? '' }
    return { cluster, attacked, corpus, broker, credentials: await signTokens(state), identities, close }
  } catch (error) {
    await close()
    throw error
  }
}

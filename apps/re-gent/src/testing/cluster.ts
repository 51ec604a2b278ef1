import { newId, type CallResult, type Id } from '@re-ops/protocols'
import { startBroker, type TestBroker } from './broker.ts'
import { startEnrolment, type TestEnrolment } from './enrolment.ts'
import { startAgent, temporaryFolder, until, type AgentProcess } from './process.ts'

type CallLimits = { id?: Id; timeoutMs?: number; outputBytesMax?: number; settled?: Id[] }

/** From sources, on a busy computer, each attempt to enrol is a process that takes seconds to load. */
const onlineWithinMs = 60_000

/** A broker, an enrolment service and one state folder; agents that are started on it are real processes. */
export type Cluster = {
  readonly broker: TestBroker
  readonly enrolment: TestEnrolment
  /** The agent's state folder. */
  readonly folder: string
  start(env?: Readonly<Record<string, string>>): AgentProcess
  /** Resolves when that many sessions have been welcomed. */
  online(sessions?: number): Promise<void>
  /** Sends a `shell` call and gives its id. */
  shell(input: Readonly<Record<string, unknown>>, limits?: CallLimits): Promise<Id>
  /** Makes a call and gives its id. */
  call(what: { operation: string; module?: string; input?: unknown }, limits?: CallLimits): Promise<Id>
  /** The newest result of a call, once it came so many times. */
  result(id: Id, times?: number): Promise<CallResult | undefined>
  close(): Promise<void>
}

export const startCluster = async (always: Readonly<Record<string, string>> = {}): Promise<Cluster> => {
  const broker = await startBroker()
  const enrolment = await startEnrolment(broker)
  const folder = temporaryFolder()
  const agents: AgentProcess[] = []
  const cluster: Cluster = {
    broker,
    enrolment,
    folder: folder.path,
    start: env => {
      const own = { REGENT_URL: enrolment.url, REGENT_TOKEN: enrolment.token, REGENT_NAME: 'web-1' }
      const agent = startAgent(folder.path, { ...own, ...always, ...env })
      agents.push(agent)
      return agent
    },
    online: (sessions = 1) => until('a session', () => broker.sessions >= sessions, onlineWithinMs),
    shell: (input, limits) => cluster.call({ operation: 'shell', input }, limits),
    call: async (what, limits = {}) => {
      const id = limits.id ?? newId()
      const call = { input: {}, ...what, timeoutMs: 20_000, outputBytesMax: 65_536, requestId: 'r1' }
      await broker.send('call', { ...call, ...limits, id })
      return id
    },
    result: async (id, times = 1) => {
      await until(`result ${times} of ${id}`, () => (broker.results.get(id)?.length ?? 0) >= times)
      return broker.results.get(id)?.at(-1)?.result
    },
    close: async () => {
      await Promise.all(agents.map(agent => agent.kill('SIGKILL')))
      broker.close()
      await enrolment.close()
      folder.remove()
    },
  }
  return cluster
}

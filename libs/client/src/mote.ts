import type {
  AddHost,
  Agent,
  AgentScheduleInfo,
  AuditItem,
  ChangeHost,
  CreateAgentSchedule,
  CreateEnrolment,
  CreateRun,
  DeployAgents,
  Deployment,
  Enrolment,
  EnrolmentInfo,
  Host,
  HostResult,
  KeptSample,
  KeysInfo,
  Keyset,
  Module,
  PushModule,
  RetryRun,
  RemoveAgents,
  RotateKeys,
  Run,
  RunAggregate,
  RunMissing,
  SavedSelector,
  SaveSelector,
  Target,
  Varies,
} from '@re-ops/protocols'
import { follow, type EventOptions } from './events.ts'
import { makeFiles } from './files.ts'
import { makeSecretCalls } from './secrets.ts'
import { send, type CallOptions, type Service } from './http.ts'
import { readOutput, type Output, type OutputOptions } from './output.ts'
import { runAggregates, runEvents, runResults, type RunProgress } from './run-events.ts'
import {
  aggregateShape,
  deploymentShape,
  enrolmentShape,
  hostShape,
  missingShape,
  moduleShape,
  operationShape,
  runShape,
  savedShape,
  scheduleShape,
  shaped,
  shapedList,
  targetShape,
} from './shape.ts'

/** An operation as the catalogue of `GET /v1/operations` describes it: schemas are plain JSON Schema. */
export type OperationInfo = {
  readonly name: string
  readonly doc: string
  readonly input: Readonly<Record<string, unknown>>
  readonly output?: Readonly<Record<string, unknown>>
  readonly reads?: boolean
  readonly idempotent?: boolean
  /** Input `dry: true` makes it only say what it would change. */
  readonly dry?: boolean
  /** The volatile fields of the output; they are left out when identical results are folded. */
  readonly varies?: Varies
  /** Fields worth a column, in order, when results are shown to people. */
  readonly columns?: readonly string[]
  readonly summary?: Readonly<Record<string, readonly string[]>>
}

export type HostQuery = { readonly on?: string; readonly system?: string; readonly generation?: number }
export type AggregateAsked = { readonly by?: string; readonly of?: string }
export type MoteEvent = { event: 'host'; data: Host } | { event: 'run'; data: Run }

const query = (fields: Readonly<Record<string, string | number | boolean | undefined>>): string => {
  const given = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
  return given.length === 0 ? '' : `?${new URLSearchParams(given as [string, string][]).toString()}`
}
const segment = encodeURIComponent
const targetsPageMax = 500

/** re-mote's API: runs, hosts, enrolments. Each call throws ClientError. */
export const makeMote = (service: Service) => {
  const url = service.url ?? service.name
  const get = (path: string, options: CallOptions) => send(service, { ...options, method: 'GET', path })
  const post = (path: string, body: unknown, options: CallOptions) =>
    send(service, { ...options, method: 'POST', path, body })
  const hosts = async (which: HostQuery = {}, options: CallOptions = {}): Promise<Host[]> =>
    shapedList(await get(`/v1/hosts${query(which)}`, options), 'host', hostShape, url)
  return {
    ...makeFiles(service),
    /** Starts a run. With `waitMs` (at most 60 s) it answers when the run has ended, if it ends by then. */
    createRun: async (body: CreateRun, options: CallOptions & { readonly waitMs?: number } = {}): Promise<Run> => {
      const wait = options.waitMs === undefined ? undefined : Math.min(60, Math.ceil(options.waitMs / 1000))
      const timeoutMs = (options.timeoutMs ?? service.timeoutMs) + (wait ?? 0) * 1000
      return shaped(await post(`/v1/runs${query({ wait })}`, body, { ...options, timeoutMs }), 'run', runShape, url)
    },
    /** Newest first; `before` is the id of a run. */
    runs: async (page: { limit?: number; before?: string } = {}, options: CallOptions = {}): Promise<Run[]> =>
      shapedList(await get(`/v1/runs${query(page)}`, options), 'run', runShape, url),
    run: async (id: string, options: CallOptions & { readonly targets?: boolean } = {}): Promise<Run> =>
      shaped(await get(`/v1/runs/${segment(id)}${query({ targets: options.targets })}`, options), 'run', runShape, url),
    cancelRun: async (id: string, options: CallOptions = {}): Promise<void> => {
      await post(`/v1/runs/${segment(id)}/cancel`, {}, options)
    },
    /** No other host of a run with turns begins, until it is resumed. */
    pauseRun: async (id: string, options: CallOptions = {}): Promise<Run> =>
      shaped(await post(`/v1/runs/${segment(id)}/pause`, {}, options), 'run', runShape, url),
    resumeRun: async (id: string, options: CallOptions = {}): Promise<Run> =>
      shaped(await post(`/v1/runs/${segment(id)}/resume`, {}, options), 'run', runShape, url),
    /** All targets of a run by name, read in pages: for runs whose results are too much for one answer. */
    targets: async function* (id: string, options: CallOptions = {}): AsyncGenerator<Target> {
      for (let after: string | undefined; ;) {
        const path = `/v1/runs/${segment(id)}/targets${query({ limit: targetsPageMax, after })}`
        const page = shapedList<Target>(await get(path, options), 'target', targetShape, url)
        yield* page
        after = page.at(-1)?.host.id
        if (after === undefined) return
      }
    },
    /** A new run of the same on the hosts that failed. `force`: also what may have run and must not run twice. */
    retryRun: async (id: string, body: RetryRun = {}, options: CallOptions = {}): Promise<Run> =>
      shaped(await post(`/v1/runs/${segment(id)}/retry`, body, options), 'run', runShape, url),
    /** Each target once, as it ends, then `done`; lost connections are made again and leave no gap and no repetition. */
    runEvents: (id: string, options: EventOptions = {}): AsyncIterable<RunProgress> => runEvents(service, id, options),
    /** The result of each target as it ends, until all have: what `reduce` of @re-ops/pipelines takes. */
    results: (id: string, options: EventOptions = {}): AsyncIterable<HostResult<unknown>> =>
      runResults(service, id, options),
    /** Results taken together, as far as they are there: by the operation's own summary, or `of` fields, in groups `by` a field. */
    summary: async (id: string, asked: AggregateAsked = {}, options: CallOptions = {}): Promise<RunAggregate> =>
      shaped(await get(`/v1/runs/${segment(id)}/summary${query(asked)}`, options), 'summary', aggregateShape, url),
    /** The same again and again while results arrive; the last one has state `done`. */
    aggregates: (id: string, asked: AggregateAsked = {}, options: EventOptions = {}): AsyncIterable<RunAggregate> =>
      runAggregates(service, { id, query: query({ ...asked, aggregate: true, targets: false }) }, options),
    /** What the command of a target writes or wrote. 404 `output-not-kept` when its result has all of it. */
    output: (run: string, host: string, options: OutputOptions = {}): Promise<Output> =>
      readOutput(service, { run, host }, options),
    /** Which hosts have not answered, and why: at most `limit` (default 1,000). */
    missing: async (id: string, options: CallOptions & { readonly limit?: number } = {}): Promise<RunMissing> =>
      shaped(
        await get(`/v1/runs/${segment(id)}/missing${query({ limit: options.limit })}`, options),
        'list of the missing',
        missingShape,
        url,
      ),
    /** Pushes a live module; the same content again is the same module. Needs scope `code:push`. */
    pushModule: async (body: PushModule, options: CallOptions = {}): Promise<Module> =>
      shaped(await post('/v1/modules', body, options), 'module', moduleShape, url),
    modules: async (page: { limit?: number } = {}, options: CallOptions = {}): Promise<Module[]> =>
      shapedList(await get(`/v1/modules${query(page)}`, options), 'module', moduleShape, url),
    module: async (hash: string, options: CallOptions = {}): Promise<Module> =>
      shaped(await get(`/v1/modules/${segment(hash)}`, options), 'module', moduleShape, url),
    /** It runs nowhere any more. */
    revokeModule: async (hash: string, options: CallOptions = {}): Promise<Module> =>
      shaped(
        await send(service, { ...options, method: 'DELETE', path: `/v1/modules/${segment(hash)}` }),
        'module',
        moduleShape,
        url,
      ),
    hosts,
    host: async (id: string, options: CallOptions = {}): Promise<Host> =>
      shaped(await get(`/v1/hosts/${segment(id)}`, options), 'host', hostShape, url),
    /** Adds a host that is reached over SSH; the same again is the same host. */
    addHost: async (body: AddHost, options: CallOptions = {}): Promise<Host> =>
      shaped(await post('/v1/hosts', body, options), 'host', hostShape, url),
    /** Another name, other labels (null takes one away; those not named stay), other SSH settings or trusted host keys. */
    changeHost: async (id: string, body: ChangeHost, options: CallOptions = {}): Promise<Host> =>
      shaped(
        await send(service, { ...options, method: 'PATCH', path: `/v1/hosts/${segment(id)}`, body }),
        'host',
        hostShape,
        url,
      ),
    ...makeSecretCalls(service),
    selectors: async (options: CallOptions = {}): Promise<SavedSelector[]> =>
      shapedList(await get('/v1/selectors', options), 'saved selector', savedShape, url),
    /** Saves it under the name, for `@name`; what was saved there before is replaced. */
    saveSelector: async (name: string, body: SaveSelector, options: CallOptions = {}): Promise<SavedSelector> =>
      shaped(
        await send(service, { ...options, method: 'PUT', path: `/v1/selectors/${segment(name)}`, body }),
        'saved selector',
        savedShape,
        url,
      ),
    removeSelector: async (name: string, options: CallOptions = {}): Promise<void> => {
      await send(service, { ...options, method: 'DELETE', path: `/v1/selectors/${segment(name)}` })
    },
    /** The host's identity is accepted no more; a host that is reached over SSH is removed. */
    revokeHost: async (id: string, options: CallOptions = {}): Promise<void> => {
      await send(service, { ...options, method: 'DELETE', path: `/v1/hosts/${segment(id)}` })
    },
    /** Lifts a quarantine. */
    confirmHost: async (id: string, options: CallOptions = {}): Promise<void> => {
      await post(`/v1/hosts/${segment(id)}/confirm`, {}, options)
    },
    createEnrolment: async (body: CreateEnrolment, options: CallOptions = {}): Promise<Enrolment> =>
      shaped(await post('/v1/enrolments', body, options), 'enrolment', enrolmentShape, url),
    /** Newest first, without their tokens. */
    enrolments: async (
      which: { readonly open?: boolean; readonly limit?: number } = {},
      options: CallOptions = {},
    ): Promise<EnrolmentInfo[]> =>
      shapedList<EnrolmentInfo>(await get(`/v1/enrolments${query(which)}`, options), 'enrolment', enrolmentShape, url),
    /** Its token lets nobody in any more. */
    revokeEnrolment: async (id: string, options: CallOptions = {}): Promise<EnrolmentInfo> =>
      shaped<EnrolmentInfo>(
        await send(service, { ...options, method: 'DELETE', path: `/v1/enrolments/${segment(id)}` }),
        'enrolment',
        enrolmentShape,
        url,
      ),
    /** What happened to identities, keys and hosts, newest first. */
    audit: async (
      which: { readonly limit?: number; readonly host?: string; readonly action?: string } = {},
      options: CallOptions = {},
    ): Promise<AuditItem[]> =>
      shapedList<AuditItem>(
        await get(`/v1/audit${query(which)}`, options),
        'audit entry',
        { id: 'string', action: 'string' },
        url,
      ),
    agents: async (which: { readonly on?: string } = {}, options: CallOptions = {}): Promise<Agent[]> =>
      shapedList<Agent>(
        await get(`/v1/agents${query(which)}`, options),
        'agent',
        { host: 'object', online: 'boolean' },
        url,
      ),
    /** Begins to put agents onto SSH hosts; `deployment` tells how far it is. */
    deployAgents: async (body: DeployAgents, options: CallOptions = {}): Promise<Deployment> =>
      shaped(await post('/v1/agents/deploy', body, options), 'deployment', deploymentShape, url),
    removeAgents: async (body: RemoveAgents, options: CallOptions = {}): Promise<Deployment> =>
      shaped(await post('/v1/agents/remove', body, options), 'deployment', deploymentShape, url),
    deployment: async (id: string, options: CallOptions = {}): Promise<Deployment> =>
      shaped(await get(`/v1/deployments/${segment(id)}`, options), 'deployment', deploymentShape, url),
    /** The agent's identity is accepted no more; a host with SSH settings is reached over SSH from then on. */
    revokeAgent: async (id: string, options: CallOptions = {}): Promise<Host> =>
      shaped(await post(`/v1/agents/${segment(id)}/revoke`, {}, options), 'host', hostShape, url),
    /** Revokes the hosts of a system (generations up to the given one) and its open enrolments; doing it again is nothing. */
    revokeIdentities: async (
      body: { system: string; generation?: number },
      options: CallOptions = {},
    ): Promise<{ revoked: number }> =>
      shaped<{ revoked: number }>(
        await post('/v1/identities/revoke', body, options),
        'count',
        { revoked: 'number' },
        url,
      ),
    keyset: async (options: CallOptions = {}): Promise<Keyset> =>
      shaped<Keyset>(
        await get('/v1/keyset', options),
        'keyset',
        { serial: 'number', root: 'string', endpoints: 'array' },
        url,
      ),
    /** The public keys of the installation, and which are in use. */
    keys: async (options: CallOptions = {}): Promise<KeysInfo> =>
      shaped<KeysInfo>(await get('/v1/keys', options), 'list of keys', { serial: 'number', keys: 'array' }, url),
    rotateKeys: async (body: RotateKeys, options: CallOptions = {}): Promise<KeysInfo> =>
      shaped<KeysInfo>(await post('/v1/keys/rotate', body, options), 'list of keys', { serial: 'number' }, url),
    /** It is published no more. */
    retireKey: async (publicKey: string, options: CallOptions = {}): Promise<KeysInfo> =>
      shaped<KeysInfo>(
        await post('/v1/keys/retire', { publicKey }, options),
        'list of keys',
        { serial: 'number' },
        url,
      ),
    /** Lets agents do an operation that reads every so often by themselves. */
    createAgentSchedule: async (body: CreateAgentSchedule, options: CallOptions = {}): Promise<AgentScheduleInfo> =>
      shaped(await post('/v1/agent-schedules', body, options), 'schedule', scheduleShape, url),
    agentSchedules: async (options: CallOptions = {}): Promise<AgentScheduleInfo[]> =>
      shapedList(await get('/v1/agent-schedules', options), 'schedule', scheduleShape, url),
    removeAgentSchedule: async (name: string, options: CallOptions = {}): Promise<void> => {
      await send(service, { ...options, method: 'DELETE', path: `/v1/agent-schedules/${segment(name)}` })
    },
    /** What was sampled and delivered, newest first. */
    samples: async (
      name: string,
      which: { readonly host?: string; readonly limit?: number } = {},
      options: CallOptions = {},
    ): Promise<KeptSample[]> =>
      shapedList<KeptSample>(
        await get(`/v1/agent-schedules/${segment(name)}/samples${query(which)}`, options),
        'sample',
        { host: 'object', n: 'number' },
        url,
      ),
    operations: async (options: CallOptions = {}): Promise<OperationInfo[]> =>
      shapedList<OperationInfo>(await get('/v1/operations', options), 'operation', operationShape, url),
    /** All hosts as they are at each (re)connect, then each change; `run` events as they come. */
    events: (options: EventOptions = {}): AsyncIterable<MoteEvent> =>
      follow<MoteEvent>(
        service,
        '/v1/events',
        {
          read: (event, data) => {
            if (event === 'host') return { event, data: shaped<Host>(data, 'host', hostShape, url) }
            if (event === 'run')
              return { event, data: shaped<Run>(data, 'run', { id: 'string', state: 'string' }, url) }
            return undefined
          },
          onConnect: async () =>
            (await hosts({}, options.signal ? { signal: options.signal } : {})).map(data => ({ event: 'host', data })),
        },
        options,
      ),
  }
}
export type Mote = ReturnType<typeof makeMote>

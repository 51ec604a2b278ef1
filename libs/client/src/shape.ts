import type {
  Account,
  AgentScheduleInfo,
  Catalog,
  Deployment,
  Enrolment,
  FileUpload,
  Host,
  Job,
  Module,
  ProviderInfo,
  Run,
  RunAggregate,
  RunMissing,
  RunSummary,
  SavedSelector,
  StoredFile,
  System,
  SystemSnapshot,
  SystemCost,
  SystemsPlan,
  Target,
  Word,
  WordChange,
} from '@re-ops/protocols'
import type { OperationInfo } from './mote.ts'
import { ClientError } from './error.ts'

type Sort = 'string' | 'number' | 'boolean' | 'object' | 'array'
/** Which fields to look at, and what they must be. */
export type Shape<T> = { readonly [K in keyof T]?: Sort }

const sortOf = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value)

/**
 * A cheap look at an answer: the fields that callers rely on are there and of the right sort. The services check their
 * own answers against the full schemas; this only tells "not our service, or another version" from an answer.
 */
export const shaped = <T>(value: unknown, what: string, shape: Shape<T>, url: string): T => {
  const refuse = (why: string): never => {
    throw new ClientError('malformed', `${url} did not answer with a ${what}: ${why}`)
  }
  if (sortOf(value) !== 'object') return refuse(`got ${sortOf(value)}`)
  for (const [field, sort] of Object.entries<Sort | undefined>(shape)) {
    const found = sortOf((value as Record<string, unknown>)[field])
    if (found !== sort) return refuse(`field \`${field}\` is ${found}, not ${sort}`)
  }
  return value as T
}

/** The same of each element of an array. */
export const shapedList = <T>(value: unknown, what: string, shape: Shape<T>, url: string): T[] => {
  if (!Array.isArray(value))
    throw new ClientError('malformed', `${url} did not answer with a list: got ${sortOf(value)}`)
  return value.map(one => shaped<T>(one, what, shape, url))
}

export const hostShape: Shape<Host> = { id: 'string', name: 'string', labels: 'object', online: 'boolean' }
export const snapshotShape: Shape<SystemSnapshot> = { id: 'string', name: 'string', state: 'string' }
export const systemShape: Shape<System> = {
  id: 'string',
  name: 'string',
  phase: 'string',
  phases: 'array',
  labels: 'object',
}
export const accountShape: Shape<Account> = { name: 'string', provider: 'string', regions: 'array' }
export const providerShape: Shape<ProviderInfo> = { provider: 'string', accounts: 'array' }
export const catalogShape: Shape<Catalog> = { sizes: 'array', images: 'array', regions: 'array', prices: 'array' }
export const jobShape: Shape<Job> = { id: 'string', system: 'string', verb: 'string', state: 'string' }
export const wordShape: Shape<Word> = { kind: 'string', name: 'string', body: 'object' }
export const wordChangeShape: Shape<WordChange> = { kind: 'string', name: 'string', change: 'string' }
export const costShape: Shape<SystemCost> = { system: 'string', name: 'string', each: 'object' }
export const extraShape: Shape<{ name: string }> = { name: 'string' }
export const planShape: Shape<SystemsPlan> = { systems: 'array', values: 'array' }
export const runShape: Shape<Run> = { id: 'string', on: 'string', state: 'string', summary: 'object' }
export const targetShape: Shape<Target> = { host: 'object', state: 'string' }
export const summaryShape: Shape<RunSummary> = { run: 'string', expected: 'number', ok: 'number', failed: 'number' }
export const operationShape: Shape<OperationInfo> = {
  name: 'string',
  doc: 'string',
  input: 'object',
}
export const moduleShape: Shape<Module> = { hash: 'string', operations: 'array', pushedBy: 'string' }
export const enrolmentShape: Shape<Enrolment> = { id: 'string', expiresAt: 'string' }
export const deploymentShape: Shape<Deployment> = { id: 'string', verb: 'string', state: 'string', hosts: 'array' }
export const scheduleShape: Shape<AgentScheduleInfo> = { id: 'string', name: 'string', hosts: 'array' }
export const aggregateShape: Shape<RunAggregate> = { run: 'string', state: 'string', ok: 'number', failures: 'object' }
export const missingShape: Shape<RunMissing> = { run: 'string', expected: 'number', got: 'number', missing: 'array' }
export const savedShape: Shape<SavedSelector> = { name: 'string', on: 'string' }
export const uploadShape: Shape<FileUpload> = { hash: 'string', complete: 'boolean', missing: 'array' }
export const fileShape: Shape<StoredFile> = { hash: 'string', size: 'number', complete: 'boolean' }

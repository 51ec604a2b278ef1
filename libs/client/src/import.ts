import type { AccountUsage, ImportSystem, Job, System, Unmanaged } from '@re-ops/protocols'
import { send, type CallOptions, type Service } from './http.ts'
import { jobShape, shaped, shapedList, systemShape, type Shape } from './shape.ts'

const unmanagedShape: Shape<Unmanaged> = { ref: 'string', state: 'string', importable: 'boolean' }
const usageShape: Shape<AccountUsage> = { account: 'object', systems: 'number', quotas: 'array' }
/** Whole accounts are listed at their providers. */
const patienceMs = 120_000

/** Machines that are nobody's, and what accounts have. Each call throws ClientError. */
export const makeImports = (service: Service, url: string) => ({
  /** Of all accounts, unless one is named; a provider that does not answer is a problem 502. */
  unmanaged: async (
    where: { readonly account?: string; readonly region?: string } = {},
    options: CallOptions = {},
  ): Promise<Unmanaged[]> => {
    const query = new URLSearchParams(Object.entries(where)).toString()
    const path = `/v1/unmanaged${query === '' ? '' : `?${query}`}`
    const answer = await send(service, { timeoutMs: patienceMs, ...options, method: 'GET', path })
    return shapedList(answer, 'machine', unmanagedShape, url)
  },
  /** Takes hold of a machine that is there; the same again is the same system. */
  importSystem: async (body: ImportSystem, options: CallOptions = {}): Promise<{ system: System; job: Job }> => {
    const asked = { timeoutMs: patienceMs, ...options, method: 'POST', path: '/v1/systems/import', body }
    const answer = await send(service, asked)
    const made = shaped<{ system: unknown; job: unknown }>(answer, 'import', { system: 'object', job: 'object' }, url)
    return {
      system: shaped<System>(made.system, 'system', systemShape, url),
      job: shaped<Job>(made.job, 'job', jobShape, url),
    }
  },
  /** Ends the system and leaves its machine. */
  forgetSystem: async (system: string, options: CallOptions = {}): Promise<Job> => {
    const path = `/v1/systems/${encodeURIComponent(system)}/forget`
    return shaped(await send(service, { ...options, method: 'POST', path, body: {} }), 'job', jobShape, url)
  },
  accountUsage: async (account: string, options: CallOptions = {}): Promise<AccountUsage> => {
    const path = `/v1/accounts/${encodeURIComponent(account)}/usage`
    return shaped(await send(service, { ...options, method: 'GET', path }), 'account', usageShape, url)
  },
})

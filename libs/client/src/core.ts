import type {
  Account,
  Catalog,
  CreateSystems,
  DestroySystem,
  Estimate,
  Job,
  ProviderInfo,
  ProviderKind,
  PutAccount,
  System,
} from '@re-ops/protocols'
import { makeConsoleCalls } from './console.ts'
import { makeCoreVerbs } from './core-verbs.ts'
import { follow, type EventOptions } from './events.ts'
import { makeImports } from './import.ts'
import { makeLeases } from './leases.ts'
import { makeQuotas } from './quotas.ts'
import { send, type CallOptions, type Service } from './http.ts'
import { accountShape, catalogShape, jobShape, providerShape, shaped, shapedList, systemShape } from './shape.ts'
import { makeExtras } from './extras.ts'
import { makeSecretCalls } from './secrets.ts'
import { makeWords } from './words.ts'

export type CoreEvent = { event: 'system'; data: System } | { event: 'job'; data: Job }

const accountPath = (name: string): string => `/v1/accounts/${encodeURIComponent(name)}`

/** re-core's API: systems, jobs, accounts. Each call throws ClientError. A system is named by its id or its name. */
export const makeCore = (service: Service) => {
  const url = service.url ?? service.name
  const get = (path: string, options: CallOptions) => send(service, { ...options, method: 'GET', path })
  const verb =
    (name: 'start' | 'protect' | 'unprotect' | 'reload') =>
    async (system: string, options: CallOptions = {}): Promise<Job> => {
      const path = `/v1/systems/${encodeURIComponent(system)}/${name}`
      return shaped(await send(service, { ...options, method: 'POST', path, body: {} }), 'job', jobShape, url)
    }
  const systems = async (options: CallOptions & { readonly gone?: boolean } = {}): Promise<System[]> =>
    shapedList(await get(options.gone ? '/v1/systems?gone=true' : '/v1/systems', options), 'system', systemShape, url)
  const jobs = async (which: { system?: string } = {}, options: CallOptions = {}): Promise<Job[]> => {
    const path = which.system === undefined ? '/v1/jobs' : `/v1/jobs?system=${encodeURIComponent(which.system)}`
    return shapedList(await get(path, options), 'job', jobShape, url)
  }
  return {
    ...makeExtras(service),
    ...makeConsoleCalls(service),
    ...makeCoreVerbs(service),
    ...makeWords(service),
    ...makeSecretCalls(service),
    createSystems: async (
      body: CreateSystems,
      options: CallOptions = {},
    ): Promise<{ systems: System[]; jobs: Job[]; cost?: Estimate }> => {
      const answer = await send(service, { ...options, method: 'POST', path: '/v1/systems', body })
      const made = shaped<{ systems: unknown; jobs: unknown; cost?: Estimate }>(
        answer,
        'creation',
        { systems: 'array', jobs: 'array' },
        url,
      )
      return {
        systems: shapedList(made.systems, 'system', systemShape, url),
        jobs: shapedList(made.jobs, 'job', jobShape, url),
        ...(made.cost === undefined ? {} : { cost: made.cost }),
      }
    },
    /** All but those that are gone, unless they are asked for. */
    systems,
    system: async (system: string, options: CallOptions = {}): Promise<System> =>
      shaped(await get(`/v1/systems/${encodeURIComponent(system)}`, options), 'system', systemShape, url),
    startSystem: verb('start'),
    /** From now on destroy and reload are refused, here and at the provider, if it can. */
    protectSystem: verb('protect'),
    unprotectSystem: verb('unprotect'),
    /** Destroys the instance and creates the next generation. */
    reloadSystem: verb('reload'),
    /** With the volumes that were made with it, unless they are to be kept. */
    destroySystem: async (
      system: string,
      options: CallOptions = {},
      { keepVolumes = false }: DestroySystem = {},
    ): Promise<Job> => {
      const path = `/v1/systems/${encodeURIComponent(system)}${keepVolumes ? '?keepVolumes=true' : ''}`
      return shaped(await send(service, { ...options, method: 'DELETE', path }), 'job', jobShape, url)
    },
    ...makeLeases(service, url),
    ...makeImports(service, url),
    ...makeQuotas(service, url),
    accounts: async (options: CallOptions = {}): Promise<Account[]> =>
      shapedList(await get('/v1/accounts', options), 'account', accountShape, url),
    account: async (name: string, options: CallOptions = {}): Promise<Account> =>
      shaped(await get(accountPath(name), options), 'account', accountShape, url),
    /** Tries its credentials first; a refusal is a problem 422 with the provider's words. */
    putAccount: async (name: string, body: PutAccount, options: CallOptions = {}): Promise<Account> =>
      shaped(
        await send(service, { ...options, method: 'PUT', path: accountPath(name), body }),
        'account',
        accountShape,
        url,
      ),
    verifyAccount: async (name: string, options: CallOptions = {}): Promise<Account> =>
      shaped(
        await send(service, { ...options, method: 'POST', path: `${accountPath(name)}/verify`, body: {} }),
        'account',
        accountShape,
        url,
      ),
    removeAccount: async (name: string, options: CallOptions = {}): Promise<Account> =>
      shaped(
        await send(service, { ...options, method: 'DELETE', path: accountPath(name) }),
        'account',
        accountShape,
        url,
      ),
    providers: async (options: CallOptions = {}): Promise<ProviderInfo[]> =>
      shapedList(await get('/v1/providers', options), 'provider', providerShape, url),
    /** Sizes, images, regions and prices of an account's region (the first one unless it is named). */
    catalog: async (
      provider: ProviderKind,
      where: { readonly account?: string; readonly region?: string } = {},
      options: CallOptions = {},
    ): Promise<Catalog> => {
      const query = new URLSearchParams(Object.entries(where)).toString()
      const path = `/v1/providers/${provider}/catalog${query === '' ? '' : `?${query}`}`
      return shaped(await get(path, options), 'catalogue', catalogShape, url)
    },
    /** The latest jobs, newest first. */
    jobs,
    job: async (id: string, options: CallOptions = {}): Promise<Job> =>
      shaped(await get(`/v1/jobs/${encodeURIComponent(id)}`, options), 'job', jobShape, url),
    /** All systems and the latest jobs as they are at each (re)connect, then each change of a system or a job. */
    events: (options: EventOptions = {}): AsyncIterable<CoreEvent> =>
      follow<CoreEvent>(
        service,
        '/v1/events',
        {
          read: (event, data) => {
            if (event === 'system') return { event, data: shaped<System>(data, 'system', systemShape, url) }
            if (event === 'job') return { event, data: shaped<Job>(data, 'job', jobShape, url) }
            return undefined
          },
          onConnect: async () => {
            const call = options.signal ? { signal: options.signal } : {}
            const [known, asked] = await Promise.all([systems(call), jobs({}, call)])
            return [
              ...known.map(data => ({ event: 'system' as const, data })),
              ...asked.map(data => ({ event: 'job' as const, data })),
            ]
          },
        },
        options,
      ),
  }
}
export type Core = ReturnType<typeof makeCore>

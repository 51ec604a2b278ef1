import type { Freeze, Notice, RenewLease, System } from '@re-ops/protocols'
import { send, type CallOptions, type Service } from './http.ts'
import { shaped, shapedList, systemShape, type Shape } from './shape.ts'

const noticeShape: Shape<Notice> = { id: 'string', kind: 'string', text: 'string' }
const freezeShape: Shape<Freeze> = { account: 'string', evidence: 'array' }

/** Leases, and what re-core does by itself. */
export const makeLeases = (service: Service, url: string) => {
  const system = async (method: string, of: string, path: string, body: unknown, options: CallOptions) => {
    const at = `/v1/systems/${encodeURIComponent(of)}/${path}`
    const asked = body === undefined ? { method, path: at } : { method, path: at, body }
    return shaped<System>(await send(service, { ...options, ...asked }), 'system', systemShape, url)
  }
  const list = (path: string, options: CallOptions) => send(service, { ...options, method: 'GET', path })
  return {
    /** Systems with a lease, the next to end first. */
    leases: async (options: CallOptions = {}): Promise<System[]> =>
      shapedList(await list('/v1/leases', options), 'system', systemShape, url),
    /** Later, never earlier and never beyond its life; resolves when the machine carries it too. */
    renewLease: (of: string, body: RenewLease = {}, options: CallOptions = {}): Promise<System> =>
      system('POST', of, 'lease', body, options),
    /** It no longer ends by itself. */
    endLease: (of: string, options: CallOptions = {}): Promise<System> =>
      system('DELETE', of, 'lease', undefined, options),
    /** What re-core did, or refused to do, by itself; newest first. */
    notices: async (options: CallOptions & { readonly limit?: number } = {}): Promise<Notice[]> =>
      shapedList(await list(`/v1/notices?limit=${options.limit ?? 200}`, options), 'notice', noticeShape, url),
    /** Accounts in which nothing is ended by itself. */
    freezes: async (options: CallOptions = {}): Promise<Freeze[]> =>
      shapedList(await list('/v1/freezes', options), 'freeze', freezeShape, url),
    /** Takes its machine as it is, when that is newer than its row. */
    adoptSystem: (of: string, options: CallOptions = {}): Promise<System> => system('POST', of, 'adopt', {}, options),
  }
}

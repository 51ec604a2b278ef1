import type { SystemQuota } from '@re-ops/protocols'
import { send, type CallOptions, type Service } from './http.ts'
import { shaped, shapedList, type Shape } from './shape.ts'

const quotaShape: Shape<SystemQuota> = { subject: 'string', used: 'number' }
const pathOf = (subject: string): string => `/v1/quotas/${encodeURIComponent(subject)}`

/** How many systems each may have, by the subject of their token. Each call throws ClientError. */
export const makeQuotas = (service: Service, url: string) => ({
  quotas: async (options: CallOptions = {}): Promise<SystemQuota[]> =>
    shapedList(await send(service, { ...options, method: 'GET', path: '/v1/quotas' }), 'quota', quotaShape, url),
  /** `*`: of each subject that has none of its own. */
  putQuota: async (subject: string, maxSystems: number, options: CallOptions = {}): Promise<SystemQuota> =>
    shaped(
      await send(service, { ...options, method: 'PUT', path: pathOf(subject), body: { maxSystems } }),
      'quota',
      quotaShape,
      url,
    ),
  removeQuota: async (subject: string, options: CallOptions = {}): Promise<{ removed: boolean }> =>
    shaped<{ removed: boolean }>(
      await send(service, { ...options, method: 'DELETE', path: pathOf(subject) }),
      'answer',
      { removed: 'boolean' },
      url,
    ),
})

import { PutQuota, SystemQuota, QuotaSubject } from '@re-ops/protocols'
import { HttpProblem, type App } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import { deleteQuota, listQuotas, putQuota } from '../store/quotas.ts'

const Whose = Type.Object({ subject: QuotaSubject })
const admin = { scope: 'admin' } as const

/** How many systems each may have, by the subject of their token. */
export const quotaRoutes = (app: App, { pool }: Pick<ServiceDeps, 'pool'>): void => {
  const all = () => listQuotas(pool)
  app.get(
    '/v1/quotas',
    {
      config: { scope: 'systems:read' },
      schema: { summary: 'Quotas, and how much of them is used', response: { 200: Type.Array(SystemQuota) } },
    },
    all,
  )
  app.put(
    '/v1/quotas/:subject',
    {
      config: admin,
      schema: {
        summary: 'Allow a subject so many systems (*: each that has no quota of its own)',
        params: Whose,
        body: PutQuota,
        response: { 200: SystemQuota },
      },
    },
    async ({ params: { subject }, body: { maxSystems } }) => {
      await putQuota(pool, subject, maxSystems)
      return { subject, maxSystems, used: (await all()).find(one => one.subject === subject)?.used ?? 0 }
    },
  )
  app.delete(
    '/v1/quotas/:subject',
    {
      config: admin,
      schema: {
        summary: 'Take a quota away; that of * holds again, or none',
        params: Whose,
        response: { 200: Type.Object({ removed: Type.Boolean() }) },
      },
    },
    async ({ params: { subject } }) => {
      if (await deleteQuota(pool, subject)) return { removed: true }
      const set = (await all()).map(one => one.subject).join(', ') || 'none yet'
      throw new HttpProblem(404, 'no-such-quota', 'No such quota', `${subject} has no quota; there are: ${set}`)
    },
  )
}

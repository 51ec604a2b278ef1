import { catalogue } from '@re-ops/operations'
import { describeOperation } from '@re-ops/pipelines'
import {
  AuditItem,
  CreateEnrolment,
  EnrolAnswer,
  Enrolment,
  EnrolmentInfo,
  Id,
  Keyset,
  SealedEnrol,
} from '@re-ops/protocols'
import { HttpProblem, idempotencyKey, type App } from '@re-ops/service'
import { Type } from 'typebox'
import { enrol } from '../services/enrol.ts'
import { createEnrolment } from '../services/enrolments.ts'
import { readAudit } from '../store/audit.ts'
import { listEnrolments, revokeEnrolment } from '../store/enrolments.ts'
import type { RouteDeps } from './deps.ts'

/** Enrolling is the one thing a stranger may ask, and it costs a key agreement: it is limited for each address. */
export const addEnrolments = (app: App, deps: RouteDeps): void => {
  app.post(
    '/v1/enrolments',
    {
      config: { scope: 'enrolments:write' },
      schema: {
        summary: 'Let hosts enrol: register the hash of a token, or make a token',
        body: CreateEnrolment,
        response: { 201: Enrolment },
      },
    },
    async (request, reply) => {
      const { body, caller } = request
      const made = await createEnrolment(deps.enrolments, {
        body,
        subject: caller.subject,
        key: idempotencyKey(request),
      })
      return reply.code(201).send(made)
    },
  )
  app.get(
    '/v1/enrolments',
    {
      config: { scope: 'enrolments:write' },
      schema: {
        summary: 'Enrolments, newest first; tokens are never shown again',
        querystring: Type.Object({
          open: Type.Optional(Type.Boolean({ description: 'only those that still let a host in' })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'default 100' })),
        }),
        response: { 200: Type.Array(EnrolmentInfo) },
      },
    },
    ({ query }) => listEnrolments(deps.pool, { open: query.open ?? false, limit: query.limit ?? 100 }),
  )
  app.delete(
    '/v1/enrolments/:id',
    {
      config: { scope: 'enrolments:write' },
      schema: {
        summary: 'Revoke an enrolment: its token lets nobody in any more, who came in by it stays',
        params: Type.Object({ id: Id }),
        response: { 200: EnrolmentInfo },
      },
    },
    async ({ params, caller }) => {
      const revoked = await revokeEnrolment(deps.pool, params.id)
      if (!revoked)
        throw new HttpProblem(404, 'no-such-enrolment', 'No such enrolment', `enrolment ${params.id} does not exist`)
      const detail = { enrolment: params.id }
      deps.link.audit({ action: 'enrolment.revoked', subject: caller.subject, host: null, detail })
      return revoked
    },
  )
  app.post(
    '/v1/enrol',
    {
      config: { scope: 'public', rateLimit: { max: deps.enrolsPerMinuteMax, windowMs: 60_000 } },
      schema: {
        summary: 'Exchange a token for an identity; the body is sealed to the installation',
        body: SealedEnrol,
        response: { 200: EnrolAnswer },
      },
    },
    ({ body, ip }) => enrol(deps.enrol, body.sealed, ip),
  )
  app.get(
    '/v1/keyset',
    {
      config: { scope: 'public' },
      schema: { summary: 'The keys of this installation, signed by its root', response: { 200: Keyset } },
    },
    () => deps.keyset(),
  )
  app.get(
    '/v1/operations',
    { config: { scope: 'hosts:read' }, schema: { summary: 'The catalogue of operations with their schemas' } },
    () => catalogue.map(describeOperation),
  )
  app.get(
    '/v1/audit',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'What happened to identities, newest first',
        querystring: Type.Object({
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'default 100' })),
          host: Type.Optional(Id),
          action: Type.Optional(
            Type.String({ maxLength: 64, description: 'for example host.revoked; `host.` for all that begin so' }),
          ),
        }),
        response: { 200: Type.Array(AuditItem) },
      },
    },
    ({ query }) => readAudit(deps.pool, { ...query, limit: query.limit ?? 100 }),
  )
}

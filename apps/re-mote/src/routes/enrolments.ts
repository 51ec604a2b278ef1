import { catalogue } from '@re-ops/operations'
import { describeOperation } from '@re-ops/pipelines'
import { CreateEnrolment, EnrolAnswer, Enrolment, Keyset, SealedEnrol } from '@re-ops/protocols'
import { idempotencyKey, type App } from '@re-ops/service'
import { Type } from 'typebox'
import { enrol } from '../services/enrol.ts'
import { createEnrolment } from '../services/enrolments.ts'
import { readAudit } from '../store/audit.ts'
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
        querystring: Type.Object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) }),
      },
    },
    ({ query }) => readAudit(deps.pool, query.limit ?? 100),
  )
}

import { PutSecret, SecretStored } from '@re-ops/protocols'
import { HttpProblem, type App, type Secrets } from '@re-ops/service'
import { Type } from 'typebox'
import type { ServiceDeps } from '../services/deps.ts'
import { listAccounts } from '../store/accounts.ts'

type SecretDeps = Pick<ServiceDeps, 'pool'> & { readonly secrets: Secrets }
const Named = Type.Object({ name: Type.String({ minLength: 1, maxLength: 128 }) })
const scoped = { scope: 'secrets:write' } as const

/** Secrets of accounts and user-data: written, never read back. */
export const secretRoutes = (app: App, { secrets, pool }: SecretDeps): void => {
  app.get(
    '/v1/secrets',
    {
      config: scoped,
      schema: { summary: 'Names and versions of the secrets kept here', response: { 200: Type.Array(SecretStored) } },
    },
    async () => (await secrets.list()).map(({ name, version }) => ({ name, version })),
  )
  app.put(
    '/v1/secrets/:name',
    {
      config: scoped,
      schema: {
        summary: 'Store a secret; it is encrypted and never answered. Accounts name it as secret:NAME',
        params: Named,
        body: PutSecret,
        response: { 200: SecretStored },
      },
    },
    async ({ params, body, log, caller }) => {
      const { name, version } = await secrets.put(params.name, body.value)
      log.info({ secret: name, version, subject: caller.subject }, 'a secret was stored')
      return { name, version }
    },
  )
  app.delete(
    '/v1/secrets/:name',
    {
      config: scoped,
      schema: {
        summary: 'Forget a secret that no account names',
        params: Named,
        response: { 200: Type.Object({ removed: Type.Boolean() }) },
      },
    },
    async ({ params, log, caller }) => {
      const users = (await listAccounts(pool)).filter(one => one.secret === `secret:${params.name}`)
      if (users.length > 0)
        throw new HttpProblem(
          409,
          'in-use',
          'The secret is in use',
          `${params.name} is named by account ${users.map(one => one.name).join(', ')}`,
        )
      const removed = await secrets.remove(params.name)
      if (removed) log.info({ secret: params.name, subject: caller.subject }, 'a secret was removed')
      return { removed }
    },
  )
}

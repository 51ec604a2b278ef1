import { Account, Catalog, Name, ProviderInfo, ProviderKind, PutAccount, RegionName } from '@re-ops/protocols'
import type { App } from '@re-ops/service'
import { Type } from 'typebox'
import { getAccount, getAccounts, removeAccount, saveAccount, verifyAccount } from '../services/accounts.ts'
import type { ServiceDeps } from '../services/deps.ts'
import { getCatalog, getProviders } from '../services/providers.ts'

const Which = Type.Object({ account: Name })
const Where = Type.Object({ account: Type.Optional(Name), region: Type.Optional(RegionName) })
const write = { scope: 'systems:write' } as const
const read = { scope: 'systems:read' } as const

export const accountRoutes = (app: App, deps: ServiceDeps): void => {
  app.get(
    '/v1/accounts',
    { config: read, schema: { summary: 'Accounts at providers', response: { 200: Type.Array(Account) } } },
    async () => getAccounts(deps),
  )
  app.get(
    '/v1/accounts/:account',
    { config: read, schema: { summary: 'One account', params: Which, response: { 200: Account } } },
    async request => getAccount(deps, request.params.account),
  )
  app.put(
    '/v1/accounts/:account',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Save an account, once its credentials work',
        params: Which,
        body: PutAccount,
        response: { 200: Account },
      },
    },
    async request => saveAccount(deps, request.params.account, request.body),
  )
  app.post(
    '/v1/accounts/:account/verify',
    { config: write, schema: { summary: 'Try its credentials', params: Which, response: { 200: Account } } },
    async request => verifyAccount(deps, request.params.account),
  )
  app.delete(
    '/v1/accounts/:account',
    { config: { scope: 'admin' }, schema: { summary: 'Forget an account', params: Which, response: { 200: Account } } },
    async request => removeAccount(deps, request.params.account),
  )
  app.get(
    '/v1/providers',
    {
      config: read,
      schema: { summary: 'Providers of this installation', response: { 200: Type.Array(ProviderInfo) } },
    },
    async () => getProviders(deps),
  )
  app.get(
    '/v1/providers/:provider/catalog',
    {
      config: read,
      schema: {
        summary: 'Sizes, images, regions and prices of a place',
        params: Type.Object({ provider: ProviderKind }),
        querystring: Where,
        response: { 200: Catalog },
      },
    },
    async request => getCatalog(deps, { ...request.params, ...request.query }),
  )
}

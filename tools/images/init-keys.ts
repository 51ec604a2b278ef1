import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newSecret } from '@re-ops/protocols'
import { ensureFile, ensureMasterKeys, ensureTokenKey, makeTokenSigner, type TokenRequest } from '@re-ops/service'

/** The services: their role in the database, the schemas it owns, and the folder of keys that they alone are given. */
export const owners = [
  { folder: 're-core', role: 'core', schemas: ['core', 'core_boss'] },
  { folder: 're-mote', role: 'mote', schemas: ['mote'] },
] as const

const database = { host: 'postgres:5432', name: 'reops' } as const
export const databaseUrl = (role: string, password: string): string =>
  `postgres://${role}:${password}@${database.host}/${database.name}`

/** What is there stays: a second `up` finds the database, the hosts and the tokens of the first. */
export const writeKeys = async (folder: string): Promise<void> => {
  await ensureFile(join(folder, 'postgres/password'), newSecret)
  await ensureTokenKey(join(folder, 'admin'))
  const tokenKey = await readFile(join(folder, 'admin/token.key'), 'utf8')
  for (const owner of owners) {
    await ensureFile(join(folder, owner.folder, 'database-url'), () => databaseUrl(owner.role, newSecret()))
    await ensureMasterKeys({ stateFolder: join(folder, owner.folder) })
    await ensureFile(join(folder, owner.folder, 'token.key'), () => tokenKey)
  }
}

const sign = async (folder: string, request: TokenRequest): Promise<string> =>
  (await makeTokenSigner(await ensureTokenKey(join(folder, 'admin'))).sign(request)).token

/** All scopes, for 30 days. */
export const adminToken = (folder: string): Promise<string> =>
  sign(folder, { subject: 'admin', scopes: ['admin'], ttlMs: 30 * 86_400_000 })

/** Enough for the init job, while it runs. */
export const enrolmentsToken = (folder: string): Promise<string> =>
  sign(folder, { subject: 'init', scopes: ['enrolments:write'], ttlMs: 300_000 })

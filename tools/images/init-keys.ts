import { constants, copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { newSecret } from '@re-ops/protocols'
import { ensureFile, ensureMasterKeys, ensureTokenKey, makeTokenSigner } from '@re-ops/service'

/** The services that own a schema, each with a folder of keys that it alone is given. */
export const owners = [
  { folder: 're-core', schema: 'core' },
  { folder: 're-mote', schema: 'mote' },
] as const

const database = { host: 'postgres:5432', name: 'reops' } as const
export const databaseUrl = (role: string, password: string): string =>
  `postgres://${role}:${password}@${database.host}/${database.name}`

/** What is there stays: a second `up` finds the database, the hosts and the tokens of the first. */
export const writeKeys = (folder: string): void => {
  ensureFile(join(folder, 'postgres/password'), newSecret)
  ensureTokenKey(join(folder, 'admin'))
  for (const owner of owners) {
    ensureFile(join(folder, owner.folder, 'database-url'), () => databaseUrl(owner.schema, newSecret()))
    ensureMasterKeys({ stateFolder: join(folder, owner.folder), environment: {} })
    copyOnce(join(folder, 'admin/token.key'), join(folder, owner.folder, 'token.key'))
  }
}

const copyOnce = (from: string, to: string): void => {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

const signer = (folder: string) => makeTokenSigner(ensureTokenKey(join(folder, 'admin')))

/** All scopes, for 30 days. */
export const adminToken = (folder: string): Promise<string> =>
  signer(folder)({ subject: 'admin', scopes: ['admin'], ttlS: 30 * 86_400 })

/** Enough for the init job, while it runs. */
export const enrolmentsToken = (folder: string): Promise<string> =>
  signer(folder)({ subject: 'init', scopes: ['enrolments:write'], ttlS: 300 })

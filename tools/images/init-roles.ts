import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { provisionDatabase } from '@re-ops/service'
import { databaseUrl, owners } from './init-keys.ts'

/** A login role per service with the password of its own database-url; doing it again changes nothing. */
export const provisionRoles = async (folder: string): Promise<void> => {
  const roles = owners.map(async owner => {
    const url = new URL(await readFile(join(folder, owner.folder, 'database-url'), 'utf8'))
    return { role: url.username, password: url.password, schema: owner.schema }
  })
  const password = await readFile(join(folder, 'postgres/password'), 'utf8')
  await provisionDatabase(databaseUrl('postgres', password.trim()), await Promise.all(roles))
}

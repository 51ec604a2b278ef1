import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { provisionDatabase } from '@re-ops/service'
import { databaseUrl, owners } from './init-keys.ts'

/** A login role per service with the password of its own database-url; doing it again changes nothing. */
export const provisionRoles = async (folder: string): Promise<void> => {
  const roles = owners.map(async ({ folder: own, role, schemas }) => {
    const { password } = new URL(await readFile(join(folder, own, 'database-url'), 'utf8'))
    return schemas.map(schema => ({ role, password, schema }))
  })
  const password = await readFile(join(folder, 'postgres/password'), 'utf8')
  await provisionDatabase(databaseUrl('postgres', password.trim()), (await Promise.all(roles)).flat())
}

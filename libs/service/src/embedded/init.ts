import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chown, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { ensureFile, makeFolder } from '../ensure-file.ts'
import { StartError } from '../start-error.ts'
import type { AsUser } from './as-user.ts'

export const exists = (path: string): Promise<boolean> =>
  readFile(path).then(
    () => true,
    () => false,
  )

/** Password of the superuser, in `<folder>.password`, private. */
export const ensurePassword = async (folder: string): Promise<string> =>
  (await ensureFile(`${folder}.password`, () => randomBytes(24).toString('base64url'))).trim()

/** initdb into a draft folder that is renamed when it is whole, so a kill in between leaves nothing half made. */
export const initialise = async (initdb: string, folder: string, password: string, user: AsUser): Promise<void> => {
  const draft = `${folder}.new`
  const passwordDraft = `${folder}.initial-password`
  await rm(draft, { recursive: true, force: true })
  await rm(passwordDraft, { force: true })
  await makeFolder(draft)
  await writeFile(passwordDraft, password, { mode: 0o600 })
  if (user.ids) {
    await chown(draft, user.ids.uid, user.ids.gid)
    await chown(passwordDraft, user.ids.uid, user.ids.gid)
  }
  const [program, ...args] = [
    ...user.prefix,
    initdb,
    `--pgdata=${draft}`,
    `--pwfile=${passwordDraft}`,
    '--username=postgres',
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
  ]
  try {
    await promisify(execFile)(program ?? initdb, args, {
      timeout: 120_000,
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
      ...user.ids,
    })
    await rename(draft, folder)
  } catch (error) {
    const stderr = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1) ?? (error as Error).message
    throw new StartError(`embedded PostgreSQL cannot be initialised in ${folder}: ${stderr}`)
  } finally {
    await rm(passwordDraft, { force: true })
  }
}

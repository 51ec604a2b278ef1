import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { StartError } from '../start-error.ts'

/** How to run a program that refuses root: words put before the command, or another user's ids. */
export type AsUser = {
  readonly prefix: readonly string[]
  readonly ids: { readonly uid: number; readonly gid: number } | null
}

const unshare = ['unshare', '--user', '--map-user=65534', '--map-group=65534', '--']

const idsOf = (names: readonly string[]): { uid: number; gid: number } | null => {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
  const user = names.map(name => users.find(fields => fields[0] === name)).find(fields => fields !== undefined)
  return user ? { uid: Number(user[2]), gid: Number(user[3]) } : null
}

/**
 * PostgreSQL refuses to run as root. A user namespace makes root look like nobody while files stay root's, so it works in a folder
 * private to root; where namespaces are forbidden another user takes the folder over.
 */
export const asUnprivileged = async (): Promise<AsUser> => {
  if (process.getuid?.() !== 0) return { prefix: [], ids: null }
  const works = await promisify(execFile)(unshare[0] as string, [...unshare.slice(1), 'true'], { timeout: 5000 }).then(
    () => true,
    () => false,
  )
  if (works) return { prefix: unshare, ids: null }
  const ids = idsOf(['postgres', 'nobody'])
  if (ids) return { prefix: [], ids }
  throw new StartError(
    'embedded PostgreSQL does not run as root, and neither user namespaces nor a user postgres or nobody exist; run as another user, or set DATABASE_URL',
  )
}

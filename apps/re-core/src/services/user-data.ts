import { HttpProblem, isReference } from '@re-ops/service'
import type { Sql } from '../store/sql.ts'
import { insertUserData } from '../store/user-data.ts'
import { userDataContext } from '../jobs/user-data.ts'
import type { Asked, ServiceDeps } from './deps.ts'

const refuse = (status: number, kind: string, detail: string): never => {
  throw new HttpProblem(status, kind, 'User-data does not fit', `/options/userData ${detail}`, {
    errors: [{ path: '/body/options/userData', message: detail }],
  })
}

/** Secrets that any who may create machines may put into one; all other references need the scope admin. */
const openPrefix = 'secret:user-data/'
const forms = /^(#|Content-Type:|MIME-Version:)/i

const followed = async (deps: Pick<ServiceDeps, 'opener'>, reference: string, scopes: Asked['scopes']) => {
  if (!reference.startsWith(openPrefix) && !scopes.includes('admin'))
    refuse(403, 'forbidden', `is ${reference.split(':')[0]}:...; without scope admin allowed: ${openPrefix}NAME`)
  try {
    return await deps.opener.secret(reference)
  } catch (error) {
    return refuse(422, 'no-such-reference', (error as Error).message)
  }
}

/** What user-data is: its text, which is shown to nobody, and what is shown instead. */
export type UserData = { readonly text: string; readonly shown: string }

/** Follows a reference. Throws HttpProblem that names what is allowed, and never the text. */
export const openUserData = async (
  deps: Pick<ServiceDeps, 'opener'>,
  given: string | undefined,
  scopes: Asked['scopes'],
): Promise<UserData | null> => {
  if (given === undefined) return null
  const isElsewhere = isReference(given) && !given.includes('\n')
  const text = isElsewhere ? await followed(deps, given, scopes) : given
  if (!forms.test(text))
    refuse(422, 'bad-user-data', 'begins with none of: #cloud-config, #!, another # of cloud-init, Content-Type:')
  return { text, shown: isElsewhere ? given : 'sealed' }
}

/** Keeps it for every life of the system, sealed. */
export const keepUserData = (
  { cipher }: Pick<ServiceDeps, 'cipher'>,
  sql: Sql,
  system: string,
  { text }: UserData,
): Promise<void> => insertUserData(sql, system, cipher.seal(text, userDataContext(system)))

import pg from 'pg'

export type ServiceRole = { readonly role: string; readonly password: string; readonly schema: string }
export type ProvisionedRole = { readonly role: string; readonly schema: string; readonly url: string }

const ensureRole = async (admin: pg.Client, { role, password }: ServiceRole): Promise<void> => {
  const name = pg.escapeIdentifier(role)
  const { rowCount } = await admin.query('select 1 from pg_roles where rolname = $1', [role])
  const verb = rowCount ? 'alter' : 'create'
  await admin.query(`${verb} role ${name} login password ${pg.escapeLiteral(password)}`)
}

const ensureSchema = async (admin: pg.Client, { role, schema }: ServiceRole): Promise<void> => {
  const [name, owner] = [pg.escapeIdentifier(schema), pg.escapeIdentifier(role)]
  await admin.query(`create schema if not exists ${name} authorization ${owner}`)
  await admin.query(`alter schema ${name} owner to ${owner}`)
  await admin.query(`revoke all on schema ${name} from public`)
}

/**
 * One role per service, owner of its schema(s) and of nothing else: no service can read another's tables. Safe to repeat and
 * to run at once from several processes; a role listed twice owns both schemas. Answers each role's own URL.
 */
export const provisionDatabase = async (
  adminUrl: string,
  roles: readonly ServiceRole[],
): Promise<readonly ProvisionedRole[]> => {
  const admin = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 5000 })
  await admin.connect()
  try {
    await admin.query("select pg_advisory_lock(hashtext('re-ops provision'))")
    await admin.query('revoke create on schema public from public')
    for (const role of roles) {
      await ensureRole(admin, role)
      await ensureSchema(admin, role)
    }
    for (const role of new Set(roles.map(r => r.role))) {
      const path = roles
        .filter(r => r.role === role)
        .map(r => pg.escapeIdentifier(r.schema))
        .join(', ')
      const database = pg.escapeIdentifier(new URL(adminUrl).pathname.slice(1))
      await admin.query(`alter role ${pg.escapeIdentifier(role)} in database ${database} set search_path to ${path}`)
    }
  } finally {
    await admin.end()
  }
  return roles.map(({ role, password, schema }) => {
    const url = new URL(adminUrl)
    url.username = encodeURIComponent(role)
    url.password = encodeURIComponent(password)
    return { role, schema, url: url.href }
  })
}

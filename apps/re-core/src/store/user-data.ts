import type { Sql } from './sql.ts'

export const insertUserData = async (sql: Sql, system: string, sealed: Buffer): Promise<void> => {
  await sql.query('insert into core.user_data (system, sealed) values ($1, $2)', [system, sealed])
}

export const userDataOf = async (sql: Sql, system: string): Promise<Buffer | null> =>
  (await sql.query<{ sealed: Buffer }>('select sealed from core.user_data where system = $1', [system])).rows[0]
    ?.sealed ?? null

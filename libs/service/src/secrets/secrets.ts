import pg from 'pg'
import type { Environment } from '../config.ts'
import type { Migration } from '../postgres/migrate.ts'
import type { Pool, Queryable } from '../postgres/pool.ts'
import { HttpProblem } from '../problem.ts'
import { resolveReference } from '../reference.ts'
import { decrypt, encrypt, type MasterKeys } from './cipher.ts'

/** What may be shown of a secret: everything but its text. */
export type SecretInfo = {
  readonly name: string
  readonly version: number
  readonly keyId: string
  readonly changedAt: Date
}
export type Secrets = {
  /** Stores the text as the next version. */
  put(name: string, text: string, db?: Queryable): Promise<SecretInfo>
  get(name: string, db?: Queryable): Promise<string | undefined>
  list(): Promise<readonly SecretInfo[]>
  remove(name: string): Promise<boolean>
  /** Seals every row of another key again under the first key; answers how many. Safe while others read and write. */
  rotate(): Promise<number>
  /** secret:, file: or env:. */
  resolve(reference: string, environment?: Environment): Promise<string>
}
export type SecretsOptions = { readonly pool: Pool; readonly schema: string; readonly masterKeys: MasterKeys }
type Row = { name: string; key_id: string; nonce: string; ciphertext: string; version: number; changed_at: Date }

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/
const textBytesMax = 64 * 1024

export const secretMigration = (schema: string): Migration => ({
  name: 'secret',
  sql: `create table ${pg.escapeIdentifier(schema)}.secret (
    name text primary key, key_id text not null, nonce text not null, ciphertext text not null,
    version integer not null default 1, changed_at timestamptz not null default now());`,
})

const info = (row: Omit<Row, 'nonce' | 'ciphertext'>): SecretInfo => ({
  name: row.name,
  version: row.version,
  keyId: row.key_id,
  changedAt: row.changed_at,
})
const shown = 'name, version, key_id, changed_at'

const check = (name: string, text: string): void => {
  if (!namePattern.test(name))
    throw new HttpProblem(400, 'bad-secret-name', 'Bad secret name', `a secret's name must match ${namePattern.source}`)
  if (Buffer.byteLength(text) > textBytesMax)
    throw new HttpProblem(400, 'secret-too-large', 'Secret too large', `${name}: at most ${textBytesMax} bytes`)
}

/** Secrets as AES-GCM rows; the row's name is part of what is sealed, so a row moved to another name cannot be opened. */
export const makeSecrets = ({ pool, schema, masterKeys }: SecretsOptions): Secrets => {
  const table = `${pg.escapeIdentifier(schema)}.secret`
  const contextOf = (name: string): string => `${schema}.secret:${name}`
  const open = (row: Row): string =>
    decrypt(masterKeys, contextOf(row.name), { keyId: row.key_id, nonce: row.nonce, text: row.ciphertext })

  const get = async (name: string, db: Queryable = pool): Promise<string | undefined> => {
    const { rows } = await db.query<Row>(`select * from ${table} where name = $1`, [name])
    return rows[0] ? open(rows[0]) : undefined
  }

  const put = async (name: string, text: string, db: Queryable = pool): Promise<SecretInfo> => {
    check(name, text)
    const sealed = encrypt(masterKeys, contextOf(name), text)
    const { rows } = await db.query<Row>(
      `insert into ${table} as s (name, key_id, nonce, ciphertext) values ($1, $2, $3, $4)
       on conflict (name) do update set key_id = $2, nonce = $3, ciphertext = $4, version = s.version + 1, changed_at = now()
       returning ${shown}`,
      [name, sealed.keyId, sealed.nonce, sealed.text],
    )
    return info(rows[0] as Row)
  }

  const rotate = async (): Promise<number> => {
    const { rows } = await pool.query<Row>(`select * from ${table} where key_id <> $1`, [masterKeys[0].id])
    let count = 0
    for (const row of rows) {
      const sealed = encrypt(masterKeys, contextOf(row.name), open(row))
      // The nonce is unique to the text we read: a row that was changed meanwhile is left alone.
      const { rowCount } = await pool.query(
        `update ${table} set key_id = $3, nonce = $4, ciphertext = $5 where name = $1 and nonce = $2`,
        [row.name, row.nonce, sealed.keyId, sealed.nonce, sealed.text],
      )
      count += rowCount ?? 0
    }
    return count
  }

  const resolve = async (reference: string, environment: Environment = {}): Promise<string> => {
    if (!/^secret:\S/.test(reference)) return resolveReference(reference, { environment })
    const text = await get(reference.slice('secret:'.length))
    if (text !== undefined) return text
    throw new HttpProblem(422, 'no-such-secret', 'No such secret', `${reference.slice(0, 140)} does not exist`)
  }

  return {
    put,
    get,
    rotate,
    resolve,
    list: async () => (await pool.query<Row>(`select ${shown} from ${table} order by name`)).rows.map(info),
    remove: async name => ((await pool.query(`delete from ${table} where name = $1`, [name])).rowCount ?? 0) > 0,
  }
}

import type { WordKind, Words } from '@re-ops/protocols'
import type { WordBody } from '../words/all.ts'
import type { Sql } from './sql.ts'

/** The words that people saved. */
export const storedWords = async (sql: Sql): Promise<Words> => {
  const { rows } = await sql.query<{ kind: WordKind; name: string; body: WordBody }>(
    'select kind, name, body from core.word',
  )
  const words: Partial<Record<WordKind, Record<string, WordBody>>> = {}
  for (const { kind, name, body } of rows) words[kind] = { ...words[kind], [name]: body }
  return words as Words
}

/** One that changes words reads them first; nobody else changes them until its transaction ends. */
export const lockWords = async (sql: Sql): Promise<void> => {
  await sql.query('lock table core.word in share row exclusive mode')
}

export const putWord = async (sql: Sql, kind: WordKind, name: string, body: WordBody, at: number): Promise<void> => {
  await sql.query(
    `insert into core.word (kind, name, body, changed_at) values ($1, $2, $3, $4)
     on conflict (kind, name) do update set body = $3, changed_at = $4`,
    [kind, name, JSON.stringify(body), new Date(at)],
  )
}

export const deleteWord = async (sql: Sql, kind: WordKind, name: string): Promise<boolean> =>
  ((await sql.query('delete from core.word where kind = $1 and name = $2', [kind, name])).rowCount ?? 0) > 0

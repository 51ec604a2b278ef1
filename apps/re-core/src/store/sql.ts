import type { QueryResultRow } from 'pg'

/** What the store needs of Postgres: a pool, or a client inside a transaction. */
export type Sql = {
  query<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<{ rows: R[]; rowCount: number | null }>
}

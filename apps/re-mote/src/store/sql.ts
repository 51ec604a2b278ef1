import type { Pool, PoolClient } from 'pg'

/** What a query is asked of: the pool, or a client inside a transaction. */
export type Sql = Pick<Pool | PoolClient, 'query'>

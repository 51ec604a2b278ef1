import { Client } from 'pg'

const connectWithinMs = 5_000

/** Asks a service's own database, for what its API does not tell. */
export const query = async <Row extends object>(url: string, text: string): Promise<Row[]> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: connectWithinMs })
  await client.connect()
  try {
    return (await client.query<Row>(text)).rows
  } finally {
    await client.end()
  }
}

/** Calls whose result came after they had ended in another way, and is stored beside. */
export const lateResults = async (moteUrl: string): Promise<ReadonlySet<string>> =>
  new Set((await query<{ id: string }>(moteUrl, 'select id from mote.call where late is not null')).map(row => row.id))

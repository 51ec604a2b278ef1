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

/** Calls whose result came after they had ended in another way, and is stored beside: a target's last one, or one before it. */
const lates = `select call as id from mote.target where late is not null union all select id from mote.call where late is not null`
export const lateResults = async (moteUrl: string): Promise<ReadonlySet<string>> =>
  new Set((await query<{ id: string }>(moteUrl, lates)).map(row => row.id))

export const storedRuns = async (moteUrl: string): Promise<string[]> =>
  (await query<{ id: string }>(moteUrl, 'select id from mote.run')).map(row => row.id)

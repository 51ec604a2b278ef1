import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startCluster, type Cluster } from '../supervisor/cluster.ts'

/** A real cluster on free ports in a folder of its own, for as long as `use` takes. */
export const withCluster = async <A>(
  say: (line: string) => void,
  use: (cluster: Cluster) => Promise<A>,
): Promise<A> => {
  const state = mkdtempSync(join(tmpdir(), 'reops-bench-'))
  const cluster = await startCluster({
    state,
    systems: 0,
    ports: 0,
    onLine: say,
    environment: { REMOTE_FACTS_HOURS: '0' },
  })
  try {
    return await use(cluster)
  } finally {
    await cluster.stop()
    rmSync(state, { recursive: true, force: true })
  }
}

/** JSON of a request that must succeed. */
export const request = async <A>(cluster: Cluster, method: string, url: string, body?: unknown): Promise<A> => {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${cluster.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text.slice(0, 300)}`)
  return JSON.parse(text) as A
}

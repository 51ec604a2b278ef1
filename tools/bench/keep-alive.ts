import { Agent, request as httpRequest } from 'node:http'
import type { Cluster } from '../supervisor/cluster.ts'

export type Connection = {
  /** JSON of a POST that must succeed. */
  post<A>(url: string, body: unknown): Promise<A>
  close(): void
}

/** One connection that is kept, and nothing between it and the numbers: what is measured is the service, not fetch. */
export const keepAlive = (cluster: Cluster): Connection => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const headers = { authorization: `Bearer ${cluster.token}`, 'content-type': 'application/json' }
  return {
    post: (url, body) =>
      new Promise((resolve, reject) => {
        const asked = httpRequest(url, { agent, method: 'POST', headers }, reply => {
          let text = ''
          reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          reply.once('end', () => {
            if ((reply.statusCode ?? 500) < 300) resolve(JSON.parse(text))
            else reject(new Error(`POST ${url}: ${reply.statusCode} ${text.slice(0, 300)}`))
          })
        })
        asked.once('error', reject)
        asked.end(JSON.stringify(body))
      }),
    close: () => agent.destroy(),
  }
}

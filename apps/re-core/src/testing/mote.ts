import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { newId, newSigningKeys, signKeyset, type CreateEnrolment, type Host } from '@re-ops/protocols'

type Enrolled = { body: CreateEnrolment & { system: string; generation: number }; host: Host | null; revoked: boolean }

/**
 * re-mote as its HTTP API is written down, with its state in memory. An agent "calls home" when a test says so, or by
 * itself as soon as `callsHome` says that the machine of that system runs.
 */
export const startFakeMote = async (callsHome: (system: string, generation: number) => Promise<boolean>) => {
  const root = newSigningKeys()
  const keyset = signKeyset(root, {
    serial: 1,
    root: root.publicKey,
    installation: newId(),
    curveServerKeys: ['x'.repeat(40)],
    sealKey: 'y'.repeat(43),
    moduleKeys: [],
    endpoints: ['tcp://127.0.0.1:1'],
    notBefore: new Date(0).toISOString(),
    notAfter: new Date(4e12).toISOString(),
  })
  const enrolments = new Map<string, Enrolled>()
  const followers = new Set<ServerResponse>()
  const seen: { method: string; path: string; body: unknown }[] = []
  const state = { up: true }

  const hostsOf = async (system: string, generation: number): Promise<Host[]> => {
    const all = [...enrolments.values()].filter(
      one => one.body.system === system && one.body.generation === generation && !one.revoked,
    )
    const runs = await callsHome(system, generation)
    for (const one of all) {
      if (one.host === null && !runs) continue
      one.host = { ...(one.host ?? newHost(one.body)), online: runs, seenAt: new Date().toISOString() }
    }
    return all.flatMap(one => (one.host === null ? [] : [one.host]))
  }
  const answer = async (method: string, url: URL, body: unknown): Promise<[number, unknown]> => {
    const path = url.pathname
    if (path === '/v1/keyset') return [200, keyset]
    if (path === '/v1/enrolments') {
      const asked = body as Enrolled['body'] & { candidate: number }
      const key = [asked.system, asked.generation, asked.candidate].join('|')
      const known = enrolments.get(key)
      if (known !== undefined && known.body.tokenHash !== asked.tokenHash)
        return [409, { detail: 'registered with another token' }]
      if (known === undefined) enrolments.set(key, { body: asked, host: null, revoked: false })
      const { system, generation, candidate } = asked
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
      return [201, { id: newId(), system, generation, candidate, name: null, labels: {}, usesLeft: 1, expiresAt }]
    }
    if (path === '/v1/identities/revoke') {
      const { system, generation } = body as { system: string; generation: number }
      const hit = [...enrolments.values()].filter(
        one => one.body.system === system && one.body.generation <= generation && !one.revoked,
      )
      for (const one of hit) one.revoked = true
      return [200, { revoked: hit.length }]
    }
    if (method === 'PATCH') return [200, {}]
    if (path === '/v1/hosts')
      return [200, await hostsOf(url.searchParams.get('system') ?? '', Number(url.searchParams.get('generation')))]
    return [404, { detail: `${method} ${path}` }]
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://fake')
    if (!state.up) return void request.socket.destroy()
    if (url.pathname === '/v1/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': here\n\n')
      followers.add(response)
      return void response.on('close', () => followers.delete(response))
    }
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      const body: unknown = text === '' ? null : JSON.parse(text)
      seen.push({ method: request.method ?? '', path: url.pathname, body })
      answer(request.method ?? '', url, body)
        .then(([status, value]) => {
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
        })
        .catch(() => response.writeHead(500).end())
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    seen,
    enrolments,
    /** Tells followers that something happened to the system's host. */
    tell: (system: string) => {
      for (const one of followers) one.write(`event: host\ndata: ${JSON.stringify({ system })}\n\n`)
    },
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
export type FakeMote = Awaited<ReturnType<typeof startFakeMote>>

const newHost = (body: Enrolled['body']): Host => ({
  id: newId(),
  name: body.name ?? 'host',
  labels: body.labels ?? {},
  online: true,
  transport: 'zmq',
  state: 'enrolled',
  pid: null,
  version: null,
  facts: {},
  factsAt: null,
  system: body.system,
  generation: body.generation,
  enrolledAt: new Date().toISOString(),
  seenAt: null,
})

import type { Cluster } from '../../supervisor/cluster.ts'

export type HttpCorpus = {
  /** Bodies by method and path of the OpenAPI, as a client really sent them. */
  readonly recorded: ReadonlyMap<string, readonly unknown[]>
  /** Ids that exist: of a run, of a host that is there to be harmed. */
  readonly ids: readonly string[]
}

const target = 'fuzz-target'
const secret = '/v1/secrets/{name}'

/** What a client asks of both services, sent once and kept. Hostile requests are cut from these. */
export const recordBodies = async ({ client, token, moteUrl }: Cluster): Promise<HttpCorpus> => {
  const recorded = new Map<string, unknown[]>()
  const keep = <A>(key: string, body: A): A => {
    recorded.set(key, [...(recorded.get(key) ?? []), body])
    return body
  }
  const { mote } = client
  const ssh = { address: '127.0.0.1', port: 1, user: 'nobody' }
  const host = await mote.addHost(keep('POST /v1/hosts', { name: target, labels: { role: 'fuzz' }, ssh }))
  const calls = [
    { kind: 'call', operation: 'ping', input: {} },
    { kind: 'call', operation: 'process.list', input: { top: 3, by: 'cpu' } },
    {
      kind: 'sequence',
      steps: [
        { kind: 'call', operation: 'ping', input: {} },
        { kind: 'call', operation: 'load', input: {} },
      ],
    },
  ]
  const ids = [host.id]
  for (const pipeline of calls) {
    const body = keep('POST /v1/runs', { on: `${target} and role=fuzz`, pipeline, timeoutMs: 1_000 })
    ids.push((await mote.createRun(body, { waitMs: 5_000 })).id)
  }
  await mote.saveSelector('fuzz', keep('PUT /v1/selectors/{name}', { on: `${target} or role=fuzz`, doc: 'fuzz' }))
  await mote.createEnrolment(
    keep('POST /v1/enrolments', { name: 'fuzz', labels: { a: 'b' }, uses: 1, ttlMs: 60_000, sources: ['127.0.0.0/8'] }),
  )
  await fetch(`${moteUrl}${secret.replace('{name}', encodeURIComponent('ssh/fuzz'))}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(keep(`PUT ${secret}`, { value: 'text' })),
  })
  // Refused on purpose (there is no such provider here): machines are not what this is about.
  keep('POST /v1/systems', { name: 'fuzz', provider: 'ec2', count: 2, type: 'web', labels: { a: 'b' } })
  return { recorded, ids }
}

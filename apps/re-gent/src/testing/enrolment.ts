import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { enrolmentToken, newId, newSecret, unseal, type EnrolRequest, type Id } from '@re-ops/protocols'
import type { TestBroker } from './broker.ts'

/** The HTTP side of enrolment: the same (token, keys) give the same identity, other keys are refused. */
export type TestEnrolment = {
  readonly url: string
  readonly token: string
  /** Answers for the next requests of POST /v1/enrol, before it works: a status, or `drop` = done, but the answer is lost. */
  readonly trouble: (number | 'drop')[]
  readonly requests: EnrolRequest[]
  readonly hosts: Map<string, Id>
  close(): Promise<void>
}

export const startEnrolment = async (broker: TestBroker): Promise<TestEnrolment> => {
  const secret = newSecret()
  const answer = async (body: string): Promise<{ status: number; body: unknown }> => {
    const { sealed } = JSON.parse(body) as { sealed: string }
    const request = JSON.parse((await unseal(broker.sealPrivateKey, sealed)) ?? 'null') as EnrolRequest | null
    if (!request || request.secret !== secret)
      return { status: 403, body: { title: 'Forbidden', detail: 'the token is not known' } }
    const holder = enrolment.requests[0]
    enrolment.requests.push(request)
    if (holder && holder.signKey !== request.signKey && !enrolment.hosts.has(request.signKey))
      return { status: 409, body: { title: 'Conflict', detail: 'the token was used with other keys' } }
    const host = enrolment.hosts.get(request.signKey) ?? newId()
    enrolment.hosts.set(request.signKey, host)
    broker.trust(host, request.signKey)
    return { status: 200, body: { host, name: request.name, keyset: broker.keyset } }
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const reply = (status: number, body: unknown) =>
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      if (request.url === '/v1/keyset') return reply(200, broker.keyset)
      const trouble = enrolment.trouble.shift()
      if (typeof trouble === 'number') return reply(trouble, { title: 'trouble', detail: `trouble ${trouble}` })
      void answer(Buffer.concat(chunks).toString('utf8')).then(({ status, body }) =>
        trouble === 'drop' ? response.destroy() : reply(status, body),
      )
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const enrolment: TestEnrolment = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: enrolmentToken(secret, broker.root.publicKey),
    trouble: [],
    requests: [],
    hosts: new Map(),
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
  return enrolment
}

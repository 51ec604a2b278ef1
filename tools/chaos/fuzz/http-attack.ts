import type { Random } from '../foundation/random.ts'
import type { HttpAnswer } from './http-peer.ts'
import { mutatedBytes, mutatedJson, randomBytes } from './mutate.ts'
import { nastyNumbers, nastyTexts } from './nasty.ts'
import type { Route } from './routes.ts'

export type HttpRequest = { readonly route: Route; readonly bytes: Buffer; readonly line: string }
/** What a hostile client holds. */
export type Credentials = { readonly admin: readonly string[]; readonly small: readonly string[] }

const hugeBytes = 1_500_000
const oneInHuge = 40
const path = (text: string) => encodeURIComponent(text.toWellFormed()).slice(0, 4_000)
/** In a path as it is: no blank and no line end, else it is another request line. */
const bare = (text: string) => text.replace(/[\s\u0080-\uffff]/g, '').slice(0, 400)

const idIn = (ids: readonly string[], random: Random): string => {
  const text = random.pick([...ids, ...nastyTexts, String(random.pick(nastyNumbers))])
  return random.between(0, 3) === 0 ? bare(text) : path(text)
}
const urlOf = ({ path: pattern, query }: Route, ids: readonly string[], random: Random): string => {
  const filled = pattern.replace(/\{[^}]+\}/g, () => idIn(ids, random))
  const names = random.some(query, random.between(0, query.length))
  const pairs = names.map(name => `${name}=${path(random.pick([...nastyTexts, ...nastyNumbers.map(String)]))}`)
  const extra = random.between(0, 20) === 0 ? [`${path(random.pick(nastyTexts))}=%`] : []
  const all = [...pairs, ...extra]
  return all.length === 0 ? filled : `${filled}?${all.join('&')}`
}

const tokenIn = ({ admin, small }: Credentials, random: Random): string => {
  const kind = random.between(0, 19)
  if (kind < 16) return `Bearer ${random.pick(admin)}`
  if (kind < 18) return `Bearer ${random.pick(small)}`
  const broken = mutatedBytes(Buffer.from(random.pick(admin)), Buffer.from(random.pick(small)), random)
  return `Bearer ${bare(broken.toString('latin1'))}`
}

/** What a body is cut from: what was really sent to this route, else what its schema suggests. */
const bodyIn = (route: Route, recorded: readonly unknown[], random: Random): Buffer | null => {
  if (route.body === undefined && random.between(0, 9) > 0) return null
  const value = recorded.length > 0 && random.between(0, 1) === 0 ? random.pick(recorded) : route.body
  const text = Buffer.from(JSON.stringify(value ?? {}))
  const kind = random.between(0, 19)
  if (kind < 13) return Buffer.from(mutatedJson(value ?? {}, random))
  if (kind < 15) return text
  if (kind < 18) return mutatedBytes(text, text, random)
  if (random.between(1, oneInHuge) === 1) return Buffer.concat([Buffer.from('{"a":"'), Buffer.alloc(hugeBytes, 120)])
  return randomBytes(random.between(0, 300), random)
}

const header = (random: Random): string => {
  const value = random.pick(nastyTexts).replace(/[\r\n\0]/g, ' ')
  const name = random.pick(['x-request-id', 'idempotency-key', 'accept', 'range', 'last-event-id', 'x-forwarded-for'])
  return `${name}: ${value.slice(0, 300)}\r\n`
}

export type HttpKnown = {
  readonly routes: readonly Route[]
  readonly credentials: Credentials
  readonly ids: readonly string[]
  readonly recorded: ReadonlyMap<string, readonly unknown[]>
}

/** One hostile request that still is one by its framing: the rest is up to the routes. */
export const nextRequest = ({ routes, credentials, ids, recorded }: HttpKnown, random: Random): HttpRequest => {
  const route = random.pick(routes)
  const method =
    random.between(0, 29) === 0 ? random.pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) : route.method
  const line = `${method} ${urlOf(route, ids, random)}`
  const body = method === 'GET' ? null : bodyIn(route, recorded.get(`${route.method} ${route.path}`) ?? [], random)
  const type = random.between(0, 29) === 0 ? random.pick(['text/plain', 'multipart/form-data', '']) : 'application/json'
  const headers =
    `${line} HTTP/1.1\r\nhost: a\r\nauthorization: ${tokenIn(credentials, random)}\r\n` +
    (random.between(0, 4) === 0 ? header(random) : '') +
    (body === null ? '' : `content-type: ${type}\r\ncontent-length: ${body.length}\r\n`)
  return { route, line, bytes: Buffer.concat([Buffer.from(`${headers}\r\n`), body ?? Buffer.alloc(0)]) }
}

/** What is wrong with an answer, or null: no 5xx, and every refusal a problem that says its own status. */
export const faultOf = (answer: HttpAnswer | null): 'unanswered' | 'broken' | 'shapeless' | null => {
  if (answer === null) return 'unanswered'
  if (answer.status >= 500 || answer.status === 0) return 'broken'
  if (answer.status < 400) return null
  const isProblem =
    /content-type: application\/problem\+json/.test(answer.headers) && answer.body.includes(`"status":${answer.status}`)
  return isProblem ? null : 'shapeless'
}

/** Bytes that are no request, or two, or half of one. */
export const brokenRequests = (random: Random): readonly Buffer[] => [
  Buffer.from(`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`),
  Buffer.from(`GET / HTTP/1.1\r\nhost: a\r\n${`x: ${'y'.repeat(100)}\r\n`.repeat(400)}\r\n`),
  Buffer.from('GET / HTTP/9.9\r\n\r\n'),
  Buffer.from('GET\r\n\r\n'),
  Buffer.from(
    'POST /v1/runs HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
  ),
  Buffer.from('POST /v1/enrol HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n'),
  Buffer.from('POST /v1/enrol HTTP/1.1\r\nhost: a\r\ncontent-length: 1e9\r\n\r\nabc'),
  Buffer.from(
    'POST /v1/enrol HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nffffffffff\r\nabc',
  ),
  Buffer.from(
    'POST /v1/enrol HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"a":',
  ),
  Buffer.from('GET /v1/hosts HTTP/1.1\r\nhost: a\r\n'.repeat(3)),
  randomBytes(random.between(1, 3_000), random),
]

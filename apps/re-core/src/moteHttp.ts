import { Enrolment, Host, Keyset } from '@re-ops/protocols'
import { Type, type TSchema, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import { MoteError, type HostSeen, type Mote } from './mote.ts'

export type MoteHttpDeps = {
  /** Address of re-mote, without a slash at the end. */
  readonly url: string
  /** A token that re-mote accepts; made anew before it expires. */
  readonly token: () => Promise<string>
  readonly timeoutMs: number
}

const rootKeptMs = 60_000
/** Compiled once, not with each answer. */
const shapes = {
  anything: Compile(Type.Unknown()),
  enrolment: Compile(Enrolment),
  hosts: Compile(Type.Array(Host)),
  keyset: Compile(Keyset),
}

/** The reply's words, cut; a problem's detail when it has one. */
const saidBy = (text: string): string => {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown }
    if (typeof detail === 'string') return detail.slice(0, 300)
  } catch {
    // Not JSON: its own words do.
  }
  return text.slice(0, 300)
}

/** re-mote over its HTTP API. */
export const makeMoteHttp = ({ url, token, timeoutMs }: MoteHttpDeps): Mote => {
  const ask = async <T extends TSchema>(
    shape: Shape<T>,
    method: string,
    path: string,
    more: Ask,
  ): Promise<Static<T>> => {
    const signal = AbortSignal.any([more.signal, AbortSignal.timeout(timeoutMs)])
    const headers = {
      authorization: `Bearer ${await token()}`,
      ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const body = more.body === undefined ? {} : { body: JSON.stringify(more.body) }
    let reply: Response
    let text: string
    try {
      reply = await fetch(`${url}${path}`, { method, headers, signal, ...body })
      text = await reply.text()
    } catch (error) {
      const { cause, message } = error as Error & { cause?: { code?: string } }
      throw new MoteError('unreachable', `re-mote at ${url} does not answer (${cause?.code ?? message})`)
    }
    if (reply.status >= 500) throw new MoteError('unreachable', `re-mote at ${url} answers ${reply.status}`)
    if (!reply.ok)
      throw new MoteError('refused', `re-mote answers ${reply.status} to ${method} ${path}: ${saidBy(text)}`)
    return checked(shape, text, path)
  }
  let root: { value: string; at: number } | null = null
  const rootAtHand = () => (root !== null && performance.now() - root.at < rootKeptMs ? root.value : null)
  return {
    url,
    rootAtHand,
    root: async signal => {
      const known = rootAtHand()
      if (known !== null) return known
      const keyset = await ask(shapes.keyset, 'GET', '/v1/keyset', { signal })
      root = { value: keyset.root, at: performance.now() }
      return keyset.root
    },
    register: async (registration, signal) => {
      await ask(shapes.enrolment, 'POST', '/v1/enrolments', { signal, body: registration })
    },
    hostOf: async (system, generation, signal) => {
      const hosts = await ask(shapes.hosts, 'GET', `/v1/hosts?system=${system}&generation=${generation}`, { signal })
      return newest(hosts)
    },
    change: async (host, what, signal) => {
      await ask(shapes.anything, 'PATCH', `/v1/hosts/${host}`, { signal, body: what })
    },
    revoke: async (system, generation, signal) => {
      await ask(shapes.anything, 'POST', '/v1/identities/revoke', { signal, body: { system, generation } })
    },
  }
}
type Shape<T extends TSchema> = ReturnType<typeof Compile<T>>
type Ask = { readonly signal: AbortSignal; readonly body?: object }

const checked = <T extends TSchema>(shape: Shape<T>, text: string, path: string): Static<T> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new MoteError('refused', `re-mote answers ${path} with something that is not JSON`)
  }
  if (shape.Check(value)) return value
  const [error] = shape.Errors(value)
  throw new MoteError('refused', `re-mote answers ${path} in another form: ${error?.instancePath} ${error?.message}`)
}

/** Of the hosts that enrolled for one life of a system, the one that counts. */
const newest = (hosts: readonly Host[]): HostSeen | null => {
  const host = hosts
    .filter(one => one.state !== 'revoked')
    .toSorted((a, b) => Number(b.online) - Number(a.online) || b.enrolledAt.localeCompare(a.enrolledAt))[0]
  return host === undefined
    ? null
    : {
        id: host.id,
        online: host.online && host.state === 'enrolled',
        enrolledAt: Date.parse(host.enrolledAt),
        seenAt: host.seenAt === null ? 0 : Date.parse(host.seenAt),
        boot: host.boot ?? null,
        addresses: host.addresses ?? [],
      }
}

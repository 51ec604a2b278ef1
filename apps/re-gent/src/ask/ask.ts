import { EnrolAnswer, Keyset, keysetIsGenuine, seal, type EnrolRequest } from '@re-ops/protocols'
import { Check } from 'typebox/value'
import { requestJson, type Answer } from '../http.ts'
import type { Identity } from '../identity.ts'

/** `root` is the key that the token trusts; `request` goes out sealed, and holds nothing of our private keys. */
export type EnrolOrder = { readonly url: string; readonly root: string; readonly request: EnrolRequest }
/** What came of one attempt; asking again is of no use when it is `refused`. */
export type Attempt =
  | { readonly identity: Identity }
  | { readonly again: string; readonly afterMs: number | null }
  | { readonly refused: string }

/** What an agent asks of re-mote over HTTP: at its enrolment, and when it may have slept through a rotation of keys. */
export type Ask = {
  /** One attempt. Throws when nobody answers. */
  enrol(order: EnrolOrder, signal: AbortSignal): Promise<Attempt>
  /** The keyset that is published now, `null` when none is given. Whether to trust it is the caller's to judge. */
  keyset(url: string, signal: AbortSignal): Promise<Keyset | null>
}

const refuse = (message: string): { refused: string } => ({ refused: message })
const later = (status: number): boolean => status >= 500 || status === 429 || status === 408 || status === 425

const detailOf = ({ status, body }: Answer): string => {
  const { detail, title } = (typeof body === 'object' && body !== null ? body : {}) as {
    detail?: unknown
    title?: unknown
  }
  const text = typeof detail === 'string' ? detail : typeof title === 'string' ? title : 'no reason given'
  return `${status} ${text.slice(0, 300)}`
}

/** `null` when the answer can be used, else why not. */
const unusable = (answer: Answer, what: string): Exclude<Attempt, { identity: Identity }> | null => {
  if (answer.status >= 200 && answer.status < 300) return null
  if (later(answer.status)) return { again: `${what}: ${detailOf(answer)}`, afterMs: answer.retryAfterMs }
  return refuse(`${what} is refused: ${detailOf(answer)}`)
}

const enrolOnce = async ({ url, root, request }: EnrolOrder, signal: AbortSignal): Promise<Attempt> => {
  const base = url.replace(/\/+$/, '')
  const offered = await requestJson(`${base}/v1/keyset`, signal)
  const noKeyset = unusable(offered, `GET ${base}/v1/keyset`)
  if (noKeyset) return noKeyset
  if (!Check(Keyset, offered.body)) return { again: `${base}/v1/keyset does not answer a keyset`, afterMs: null }
  if (!keysetIsGenuine(root, offered.body))
    return refuse(
      `the keyset of ${base} is not signed by the root key in the token: this is not the installation the token is for`,
    )
  const sealed = await seal(offered.body.sealKey, JSON.stringify(request))
  const answer = await requestJson(`${base}/v1/enrol`, signal, { sealed })
  const notNow = unusable(answer, `POST ${base}/v1/enrol`)
  if (notNow) return notNow
  if (!Check(EnrolAnswer, answer.body)) return { again: `${base}/v1/enrol does not answer an identity`, afterMs: null }
  const { host, keyset, name: given } = answer.body
  if (!keysetIsGenuine(root, keyset))
    return refuse(`the keyset in the answer of ${base} is not signed by the root key in the token`)
  return { identity: { host, name: given, root, keyset } }
}

const keyset = async (url: string, signal: AbortSignal): Promise<Keyset | null> => {
  const answer = await requestJson(`${url.replace(/\/+$/, '')}/v1/keyset`, signal)
  return Check(Keyset, answer.body) ? answer.body : null
}

/** Asks in this process. */
export const askHere: Ask = { enrol: enrolOnce, keyset }

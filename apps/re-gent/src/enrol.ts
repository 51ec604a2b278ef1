import { EnrolAnswer, Keyset, keysetIsGenuine, parseEnrolmentToken, seal, type EnrolRequest } from '@re-ops/protocols'
import { Check } from 'typebox/value'
import { backoffMs, pause } from './backoff.ts'
import { AgentExit, exitCodes } from './exit.ts'
import { requestJson, type Answer } from './http.ts'
import type { Identity } from './identity.ts'
import type { Keys } from './keys.ts'
import { errorText, type Log } from './log.ts'

export type EnrolSpec = {
  readonly url: string
  readonly token: string
  readonly keys: Keys
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly instance: string
  readonly version: string
}
type Attempt = { readonly identity: Identity } | { readonly again: string; readonly afterMs: number | null }

const refuse = (message: string): never => {
  throw new AgentExit(exitCodes.refused, message)
}
const later = (status: number): boolean => status >= 500 || status === 429 || status === 408 || status === 425

const detailOf = ({ status, body }: Answer): string => {
  const { detail, title } = (typeof body === 'object' && body !== null ? body : {}) as {
    detail?: unknown
    title?: unknown
  }
  const text = typeof detail === 'string' ? detail : typeof title === 'string' ? title : 'no reason given'
  return `${status} ${text.slice(0, 300)}`
}

/** One answer that can be used, or why to ask again; throws AgentExit when asking again is of no use. */
const usable = (answer: Answer, what: string): { again: string; afterMs: number | null } | null => {
  if (answer.status >= 200 && answer.status < 300) return null
  if (later(answer.status)) return { again: `${what}: ${detailOf(answer)}`, afterMs: answer.retryAfterMs }
  return refuse(`${what} is refused: ${detailOf(answer)}`)
}

const attempt = async (spec: EnrolSpec, secret: string, root: string, signal: AbortSignal): Promise<Attempt> => {
  const base = spec.url.replace(/\/+$/, '')
  const offered = await requestJson(`${base}/v1/keyset`, signal)
  const noKeyset = usable(offered, `GET ${base}/v1/keyset`)
  if (noKeyset) return noKeyset
  if (!Check(Keyset, offered.body)) return { again: `${base}/v1/keyset does not answer a keyset`, afterMs: null }
  if (!keysetIsGenuine(root, offered.body))
    return refuse(
      `the keyset of ${base} is not signed by the root key in the token: this is not the installation the token is for`,
    )
  const { keys, name, labels, instance, version } = spec
  const request: EnrolRequest = {
    secret,
    curveKey: keys.curve.publicKey,
    signKey: keys.sign.publicKey,
    name,
    labels,
    instance,
    version,
  }
  const sealed = await seal(offered.body.sealKey, JSON.stringify(request))
  const answer = await requestJson(`${base}/v1/enrol`, signal, { sealed })
  const notNow = usable(answer, `POST ${base}/v1/enrol`)
  if (notNow) return notNow
  if (!Check(EnrolAnswer, answer.body)) return { again: `${base}/v1/enrol does not answer an identity`, afterMs: null }
  const { host, keyset, name: given } = answer.body
  if (!keysetIsGenuine(root, keyset))
    return refuse(`the keyset in the answer of ${base} is not signed by the root key in the token`)
  return { identity: { host, name: given, root, keyset } }
}

/**
 * Exchanges the token for an identity. The same token with the same keys gives the same identity, so it is tried again
 * for ever while the service is not reachable or busy; a definite refusal throws AgentExit (code 4). `null`: stopped.
 */
export const enrol = async (spec: EnrolSpec, log: Log, signal: AbortSignal): Promise<Identity | null> => {
  const parsed = parseEnrolmentToken(spec.token) ?? refuse('the token is not an enrolment token')
  for (let tries = 0; !signal.aborted; tries += 1) {
    const result = await attempt(spec, parsed.secret, parsed.root, signal).catch((error: unknown) => {
      if (error instanceof AgentExit) throw error
      return { again: `${spec.url} is not reachable: ${errorText(error)}`, afterMs: null }
    })
    if ('identity' in result) return result.identity
    if (signal.aborted) break
    const waitMs = Math.max(result.afterMs ?? 0, backoffMs(tries))
    log.warn('not enrolled yet', { why: result.again, waitMs })
    await pause(waitMs, signal)
  }
  return null
}

/** The keyset that the service publishes now, or `null` when it gives none. Whether to trust it is the caller's to judge. */
export const fetchKeyset = async (url: string, signal: AbortSignal): Promise<Keyset | null> => {
  const answer = await requestJson(`${url.replace(/\/+$/, '')}/v1/keyset`, signal)
  return Check(Keyset, answer.body) ? answer.body : null
}

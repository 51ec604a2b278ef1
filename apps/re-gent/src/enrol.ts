import { parseEnrolmentToken, type EnrolRequest } from '@re-ops/protocols'
import type { Ask } from './ask/ask.ts'
import { backoffMs, pause } from './backoff.ts'
import { AgentExit, exitCodes } from './exit.ts'
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

const refuse = (message: string): never => {
  throw new AgentExit(exitCodes.refused, message)
}

/**
 * Exchanges the token for an identity. The same token with the same keys gives the same identity, so it is tried again
 * for ever while the service is not reachable or busy; a definite refusal throws AgentExit (code 4). `null`: stopped.
 */
export const enrol = async (ask: Ask, spec: EnrolSpec, log: Log, signal: AbortSignal): Promise<Identity | null> => {
  const parsed = parseEnrolmentToken(spec.token) ?? refuse('the token is not an enrolment token')
  const { url, keys, name, labels, instance, version } = spec
  const [curveKey, signKey] = [keys.curve.publicKey, keys.sign.publicKey]
  const request: EnrolRequest = { secret: parsed.secret, curveKey, signKey, name, labels, instance, version }
  for (let tries = 0; !signal.aborted; tries += 1) {
    const result = await ask.enrol({ url, root: parsed.root, request }, signal).catch((error: unknown) => ({
      again: `${url} is not reachable: ${errorText(error)}`,
      afterMs: null,
    }))
    if ('identity' in result) return result.identity
    if ('refused' in result) return refuse(result.refused)
    if (signal.aborted) break
    const waitMs = Math.max(result.afterMs ?? 0, backoffMs(tries))
    log.warn('not enrolled yet', { why: result.again, waitMs })
    await pause(waitMs, signal)
  }
  return null
}

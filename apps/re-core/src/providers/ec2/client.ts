import type { EC2 } from '@aws-sdk/client-ec2'
import type { CallClass, Limiter } from '@re-ops/protocols'
import { classifyEc2 } from './errors.ts'
import type { Ec2Credentials } from './settings.ts'

export type Ec2ClientDeps = {
  readonly region: string
  readonly endpoint: string | undefined
  readonly credentials: Ec2Credentials | null
  readonly limiter: Limiter
}
/** Which bucket a call is taken from, and how urgent it is. Only reads are sure to have changed nothing. */
export type CallKind = {
  readonly family: 'describe' | 'run' | 'mutate'
  readonly callClass: CallClass
  /** Its turn was taken before. */
  readonly hasTurn?: boolean
}
type Options = { readonly abortSignal: AbortSignal }
export type Ec2Call = <T>(
  kind: CallKind,
  signal: AbortSignal,
  ask: (client: EC2, options: Options) => Promise<T>,
) => Promise<T>

const connectMs = 3_000
const answerMs = 15_000

/**
 * One client, loaded at its first use. It never sends anything twice by itself: what is tried again is decided by the
 * job, where it is seen and survives a crash.
 */
export const makeCall = ({ region, endpoint, credentials, limiter }: Ec2ClientDeps): Ec2Call => {
  let made: Promise<EC2> | null = null
  const client = () =>
    (made ??= import('@aws-sdk/client-ec2').then(
      sdk =>
        new sdk.EC2({
          region,
          maxAttempts: 1,
          requestHandler: { connectionTimeout: connectMs, requestTimeout: answerMs, throwOnRequestTimeout: true },
          ...(endpoint === undefined ? {} : { endpoint }),
          ...(credentials === null ? {} : { credentials }),
        }),
    ))
  return async ({ family, callClass, hasTurn }, signal, ask) => {
    if (hasTurn !== true) await limiter.take(family, callClass, signal)
    try {
      return await ask(await client(), { abortSignal: signal })
    } catch (error) {
      const refused = classifyEc2(error, family !== 'describe')
      if (refused.kind === 'throttled') limiter.told(family, { throttled: true })
      // Not its cause: the client's error holds the signed request.
      throw refused
    }
  }
}

export const reading: CallKind = { family: 'describe', callClass: 'poll' }
export const listing: CallKind = { family: 'describe', callClass: 'list' }
export const acting: CallKind = { family: 'mutate', callClass: 'act' }
/** A look that a destroy depends on is as urgent as it is. */
export const destroyingLook: CallKind = { family: 'describe', callClass: 'destroy' }
export const destroying: CallKind = { family: 'mutate', callClass: 'destroy' }
export const creating: CallKind = { family: 'run', callClass: 'create' }

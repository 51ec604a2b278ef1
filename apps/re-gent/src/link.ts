import type { Keyset } from '@re-ops/protocols'
import { backoffMs, pause } from './backoff.ts'
import { endpointsFor } from './endpoints.ts'
import { AgentExit, exitCodes } from './exit.ts'
import { judgeKeyset, type Identity } from './identity.ts'
import type { Keys } from './keys.ts'
import { errorText } from './log.ts'
import { runSession, type SessionDeps, type SessionEnd } from './session.ts'

export type LinkDeps = Omit<SessionDeps, 'onKeyset'> & {
  readonly keys: Keys
  readonly boot: string
  readonly version: string
  /** Of re-mote, when it is known. */
  readonly url: string | undefined
  readonly identity: () => Identity
  /** Stores a keyset that was judged newer. */
  readonly saveKeyset: (keyset: Keyset) => void
  /** The keyset that the service publishes, when its address is known. */
  readonly fetchKeyset: (signal: AbortSignal) => Promise<Keyset | null>
}

/** After so many attempts without a welcome we may have slept through a rotation, and ask over HTTP. */
const refreshEvery = 5
/** A session that lived so long starts the backoff anew; a shorter one may be part of a loop. */
const steadyMs = 1_000

/** Takes a keyset if it may replace ours. Only one that is not genuine speaks against its bearer: brokers may lag behind. */
const consider = (deps: LinkDeps, keyset: Keyset, at?: number): boolean => {
  const verdict = judgeKeyset(deps.identity(), keyset, at)
  if (verdict === 'newer') deps.saveKeyset(keyset)
  else if (verdict !== 'same') deps.log.warn('a keyset is refused', { why: verdict, serial: keyset.serial })
  return verdict !== 'not genuine' && verdict !== 'other installation'
}

const refresh = async (deps: LinkDeps, signal: AbortSignal): Promise<void> => {
  try {
    const keyset = await deps.fetchKeyset(signal)
    if (keyset) consider(deps, keyset)
  } catch (error) {
    deps.log.warn('no keyset over HTTP', { why: errorText(error) })
  }
}

/** Endpoints and server keys in turn, so that a broker that is gone and a key that is retired are both got over. */
const targetOf = (deps: LinkDeps, first: number, attempt: number) => {
  const { host, name, keyset } = deps.identity()
  const endpoints = endpointsFor(keyset.endpoints, deps.url)
  const pairs = keyset.curveServerKeys.flatMap(serverKey => endpoints.map(endpoint => ({ serverKey, endpoint })))
  const pair = pairs[(first + attempt) % pairs.length] as (typeof pairs)[number]
  return { ...pair, keys: deps.keys, agent: host, boot: deps.boot, name, version: deps.version }
}

/** Keeps a session for as long as the agent lives. Throws AgentExit (code 4) when our identity is not accepted any more. */
export const runLink = async (deps: LinkDeps, stop: AbortSignal): Promise<void> => {
  const first = Math.floor(Math.random() * deps.identity().keyset.endpoints.length)
  const session: SessionDeps = { ...deps, onKeyset: (keyset, at) => consider(deps, keyset, at) }
  let turn = 0
  let failures = 0
  while (!stop.aborted) {
    const target = targetOf(deps, first, turn)
    const end = await runSession(session, target, stop).catch((error: unknown): SessionEnd => ({
      why: errorText(error),
      final: false,
      livedMs: 0,
    }))
    if (stop.aborted) return
    if (end.final)
      throw new AgentExit(exitCodes.refused, `the identity ${target.agent} is not accepted any more: ${end.why}`)
    if (end.livedMs > steadyMs) failures = 0
    if (end.livedMs === 0) turn += 1
    const waitMs = backoffMs(failures)
    failures += 1
    deps.log.warn('no session', { endpoint: target.endpoint, why: end.why, waitMs })
    await pause(waitMs, stop)
    if (failures % refreshEvery === 0) await refresh(deps, stop)
  }
}

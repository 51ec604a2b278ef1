import type { Client } from '@re-ops/client'
import type { Host, System } from '@re-ops/protocols'
import { SupervisorError } from './fault.ts'
import { until } from './until.ts'

export type Systems = {
  /** Those that should run, as they were when the wait ended. */
  readonly systems: readonly System[]
  readonly created: boolean
  /** Those that are not up, one line each. */
  readonly missing: readonly string[]
}

const limitMs = 60_000

/** A few machines of this computer, when nobody has asked for any machine yet. */
const ensureSome = async ({ core }: Client, count: number): Promise<boolean> => {
  const known = (await core.systems()).filter(system => system.phase !== 'gone')
  if (known.length > 0 || count === 0) return false
  await core.createSystems({ name: 'demo', count, provider: 'local', type: 'demo', labels: { role: 'demo' } })
  return true
}

const settled = (system: System, hosts: readonly Host[]): boolean =>
  system.phase === 'failed' ||
  system.phase === 'lost' ||
  (system.phase === 'ready' &&
    (system.readiness !== 'agent' || hosts.some(host => host.system === system.id && host.online)))

/** Waits until every system that should run is up: ready, and its agent online now (not only when it was last seen). */
export const startSystems = async (client: Client, count: number, signal: AbortSignal): Promise<Systems> => {
  const created = await ensureSome(client, count)
  let systems: readonly System[] = []
  let hosts: readonly Host[] = []
  const why = (system: System) =>
    `${system.name} is ${system.phase}${system.reason === null ? '' : `: ${system.reason}`}`
  try {
    await until({ what: 'the systems', limitMs, signal, everyMs: 30 }, async () => {
      ;[systems, hosts] = await Promise.all([client.core.systems(), client.mote.hosts()])
      systems = systems.filter(system => system.desired === 'running')
      const waiting = systems.filter(system => !settled(system, hosts))
      return waiting.length === 0 ? { ok: undefined } : { not: waiting.map(why).join(', ') }
    })
  } catch (error) {
    if (!(error instanceof SupervisorError)) throw error
  }
  const missing = systems.flatMap(system => {
    if (system.phase !== 'ready') return [why(system)]
    return settled(system, hosts) ? [] : [`${system.name} is ready, but its agent is not online`]
  })
  return { systems, created, missing }
}

import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { codeOf, messageOf, SupervisorError } from './fault.ts'

export const portNames = ['mote', 'core', 'broker'] as const
export type PortName = (typeof portNames)[number]
/** `postgres` is on loopback alone and always any free port. */
export type Ports = Readonly<Record<PortName | 'postgres', number>>
export type Endpoint = { readonly host: string; readonly port: number }

/** What listens there, and the variables that move it. */
const meaning: Readonly<Record<PortName, { what: string; variable: string; hostVariable: string }>> = {
  mote: { what: 're-mote (HTTP)', variable: 'REMOTE_PORT', hostVariable: 'REMOTE_HOST' },
  core: { what: 're-core (HTTP)', variable: 'RECORE_PORT', hostVariable: 'RECORE_HOST' },
  broker: { what: "re-mote's broker (agents)", variable: 'REMOTE_BROKER_PORT', hostVariable: 'REMOTE_BROKER_HOST' },
}
const defaultPorts: Readonly<Record<PortName, number>> = { mote: 7020, core: 7010, broker: 7022 }
/** Free ports are taken from below the range from which systems take ports for outgoing connections. */
const [freeFirst, freeLast] = [20_000, 32_000]
const triesMax = 200

type Environment = Readonly<Record<string, string | undefined>>

/** Wanted endpoints from the environment; 0 is any free port. */
export const endpointsFrom = (environment: Environment): Readonly<Record<PortName, Endpoint>> => {
  const of = (name: PortName): Endpoint => {
    const { variable, hostVariable } = meaning[name]
    const text = environment[variable]
    const port = text === undefined || text === '' ? defaultPorts[name] : Number(text)
    if (!Number.isInteger(port) || port < 0 || port > 65_535 || text?.trim() === '')
      throw new SupervisorError(`${variable} is ${JSON.stringify(text)}; allowed: 0 (any free port) to 65535`)
    return { host: environment[hostVariable] || '127.0.0.1', port }
  }
  return { mote: of('mote'), core: of('core'), broker: of('broker') }
}

/** Null when something can listen there, else the system's reason. */
const refusal = ({ host, port }: Endpoint): Promise<{ code: string | undefined; message: string } | null> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', error => resolve({ code: codeOf(error), message: messageOf(error) }))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)))
  })

const fileOf = (state: string) => join(state, 'ports.json')
const remembered = (state: string): Partial<Ports> => {
  try {
    return JSON.parse(readFileSync(fileOf(state), 'utf8')) as Partial<Ports>
  } catch {
    return {} // the first start of this folder, or a torn file: free ports are found anew
  }
}

const free = async (host: string, before: number | undefined, taken: ReadonlySet<number>): Promise<number> => {
  if (before !== undefined && !taken.has(before) && (await refusal({ host, port: before })) === null) return before
  for (let n = 0; n < triesMax; n += 1) {
    const port = freeFirst + Math.floor(Math.random() * (freeLast - freeFirst))
    if (!taken.has(port) && (await refusal({ host, port })) === null) return port
  }
  throw new SupervisorError(`no free port between ${freeFirst} and ${freeLast} on ${host} after ${triesMax} tries`)
}

/**
 * The ports of this start. A fixed one must be free; for 0 the folder's last one is taken again when it is free, so that
 * agents that outlived the last start find the services where they were.
 */
export const choosePorts = async (state: string, wanted: Readonly<Record<PortName, Endpoint>>): Promise<Ports> => {
  const before = remembered(state)
  const chosen: Partial<Record<PortName | 'postgres', number>> = {}
  const taken = new Set<number>()
  for (const name of portNames) {
    const { host, port } = wanted[name]
    chosen[name] = port === 0 ? await free(host, before[name], taken) : port
    taken.add(chosen[name])
    if (port === 0) continue
    const { what, variable, hostVariable } = meaning[name]
    const no = await refusal(wanted[name])
    if (no?.code === 'EADDRINUSE')
      throw new SupervisorError(
        `port ${port} of ${what} is in use on ${host}; stop what uses it, or set ${variable} to another port (0 = any free one)`,
      )
    if (no !== null)
      throw new SupervisorError(
        `${what} cannot listen on ${host}:${port} (${no.message}); set ${hostVariable} and ${variable}`,
      )
  }
  chosen.postgres = await free('127.0.0.1', before.postgres, taken)
  const ports = chosen as Ports
  writeFileSync(fileOf(state), JSON.stringify(ports))
  return ports
}

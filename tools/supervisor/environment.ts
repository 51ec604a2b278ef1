import { dirname, join } from 'node:path'
import type { Endpoint, PortName, Ports } from './ports.ts'

type Environment = Readonly<Record<string, string | undefined>>

const general =
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|NODE_EXTRA_CA_CERTS|NODE_COMPILE_CACHE|REOPS_LOG_LEVEL|REOPS_FAULTS|REOPS_PROOF_KIT|REOPS_CI_MARK)$/
const ofServices = /^(REOPS|REMOTE|RECORE)_/
const ofAgents = /^REGENT_/

const pick = (environment: Environment, allowed: readonly RegExp[]): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined && allowed.some(one => one.test(name)) ? [[name, value]] : [],
    ),
  )

export type ServiceSetting = {
  readonly state: string
  readonly databaseUrl: string
  readonly ports: Ports
  readonly endpoints: Readonly<Record<PortName, Endpoint>>
}

/** What a service gets: its own variables as the operator set them, and what the supervisor decides. */
const service = (environment: Environment, { state, databaseUrl }: ServiceSetting): Record<string, string> => ({
  ...pick(environment, [general, ofServices]),
  REOPS_STATE: state,
  DATABASE_URL: databaseUrl,
  // What Node compiled is kept, so that a restart of a service does not compile it again.
  NODE_COMPILE_CACHE: join(state, 'cache'),
})

export const moteEnvironment = (
  environment: Environment,
  setting: ServiceSetting,
  agentProgram: string,
): Record<string, string> => ({
  REMOTE_AGENT: dirname(agentProgram),
  ...service(environment, setting),
  REMOTE_HOST: setting.endpoints.mote.host,
  REMOTE_PORT: String(setting.ports.mote),
  REMOTE_BROKER_HOST: setting.endpoints.broker.host,
  REMOTE_BROKER_PORT: String(setting.ports.broker),
})

export const coreEnvironment = (
  environment: Environment,
  setting: ServiceSetting,
  moteUrl: string,
  agentProgram: string,
): Record<string, string> => ({
  RECORE_AGENT_COMMAND: `${process.execPath},${agentProgram}`,
  ...service(environment, setting),
  RECORE_HOST: setting.endpoints.core.host,
  RECORE_PORT: String(setting.ports.core),
  REMOTE_URL: moteUrl,
})

/** An agent gets no address of a database and no key of a service. */
export const agentEnvironment = (environment: Environment, state: string): Record<string, string> => ({
  ...pick(environment, [general, ofAgents]),
  REGENT_STATE: state,
  REGENT_PARENT: 'ipc',
})

/** How this machine reaches what listens there. */
export const urlOf = ({ host }: Endpoint, port: number): string => {
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}

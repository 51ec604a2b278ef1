import { readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { Labels, Name, parseEnrolmentToken } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { Errors } from 'typebox/value'
import { AgentExit, exitCodes } from './exit.ts'
import { logLevels } from './log.ts'

/** What may stand in `<state>/config.json`; each field has an environment variable that wins over the file. */
export const Config = Type.Object(
  {
    url: Type.Optional(
      Type.String({ pattern: '^https?://[^\\s/@]+(/|$)', description: 'http(s)://host:port of re-mote' }),
    ),
    token: Type.Optional(Type.String({ description: 'an enrolment token re1.<secret>.<root key>' })),
    name: Name,
    labels: Labels,
    instance: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: '1 to 128 characters' })),
    slots: Type.Integer({ minimum: 1, maximum: 256, description: 'a whole number, 1 to 256' }),
    ringBytesMax: Type.Integer({ minimum: 65_536, maximum: 2 ** 40, description: 'bytes, 65536 or more' }),
    spoolBytesMax: Type.Integer({ minimum: 65_536, maximum: 2 ** 40, description: 'bytes, 65536 or more' }),
    journalSegmentBytesMax: Type.Integer({ minimum: 4_096, maximum: 2 ** 30, description: 'bytes, 4096 or more' }),
    logLevel: Type.Enum(logLevels, { description: logLevels.join(', ') }),
    build: Type.Optional(Type.String({ pattern: '^[0-9a-f]{12}$', description: 'what was deployed, 12 digits' })),
    ask: Type.Optional(
      Type.Enum(['child', 'here'], { description: 'child or here: what enrols; here is faster, and keeps 2 MB more' }),
    ),
    policy: Type.Optional(Type.String({ minLength: 1, description: 'path of the policy file' })),
    faults: Type.Array(Type.Enum(['ack-before-commit', 'no-journal', 'no-fence', 'start-again']), {
      description: 'ack-before-commit, no-journal, no-fence, start-again; the proof kit alone may use them',
    }),
  },
  { additionalProperties: false },
)
export type Config = Static<typeof Config> & { state: string }

export const variables = {
  url: 'REGENT_URL',
  token: 'REGENT_TOKEN',
  name: 'REGENT_NAME',
  labels: 'REGENT_LABELS',
  instance: 'REGENT_INSTANCE',
  slots: 'REGENT_SLOTS',
  ringBytesMax: 'REGENT_RING_BYTES_MAX',
  spoolBytesMax: 'REGENT_SPOOL_BYTES_MAX',
  journalSegmentBytesMax: 'REGENT_JOURNAL_SEGMENT_BYTES_MAX',
  logLevel: 'REOPS_LOG_LEVEL',
  build: 'REGENT_BUILD',
  ask: 'REGENT_ASK',
  policy: 'REGENT_POLICY',
  faults: 'REOPS_FAULTS',
} as const
type Field = keyof typeof variables

type Environment = Readonly<Record<string, string | undefined>>
const fail = (line: string): never => {
  throw new AgentExit(exitCodes.config, line)
}

/** A host name as a Name: other characters become dashes, and it is cut to what fits. */
const defaultName = (): string =>
  hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, 63) || 'host'

const stateOf = (args: readonly string[], environment: Environment): string => {
  const at = args.indexOf('--state')
  const unknown = args.find((arg, i) => arg !== '--state' && !(at >= 0 && i === at + 1))
  if (unknown !== undefined) fail(`argument ${JSON.stringify(unknown)} is not known; allowed: --state FOLDER`)
  const state = at >= 0 ? args[at + 1] : environment['REGENT_STATE']
  return resolve(state || fail('no state folder; give --state FOLDER or REGENT_STATE'))
}

const readText = (path: string, what: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return fail(`${what} ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`)
  }
}

const fileOf = (state: string): Record<string, unknown> => {
  const path = join(state, 'config.json')
  const mode = statSync(path, { throwIfNoEntry: false })?.mode
  if (mode === undefined) return {}
  let file: unknown
  try {
    file = JSON.parse(readText(path, 'file'))
  } catch (error) {
    if (error instanceof AgentExit) throw error
    return fail(`${path} is not JSON; allowed: an object of ${Object.keys(variables).join(', ')}`)
  }
  if (typeof file !== 'object' || file === null || Array.isArray(file)) return fail(`${path} is not a JSON object`)
  if ('token' in file && (mode & 0o077) !== 0) return fail(`${path} holds a token and others may read it; chmod 600 it`)
  return file as Record<string, unknown>
}

const parseLabels = (text: string): Record<string, string> => {
  const pairs = text.split(',').filter(pair => pair.trim() !== '')
  return Object.fromEntries(
    pairs.map(pair => {
      const at = pair.indexOf('=')
      if (at < 1) fail(`REGENT_LABELS has ${JSON.stringify(pair)}; allowed: key=value,key=value`)
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    }),
  )
}

const whole = (text: string): unknown => (/^\d{1,15}$/.test(text) ? Number(text) : text)
const parse: Readonly<Partial<Record<Field, (text: string) => unknown>>> = {
  labels: parseLabels,
  slots: whole,
  ringBytesMax: whole,
  spoolBytesMax: whole,
  journalSegmentBytesMax: whole,
  faults: text => text.split(',').map(fault => fault.trim()),
}
const environmentOf = (environment: Environment): Record<string, unknown> => {
  const given = Object.entries(variables).flatMap(([field, variable]) => {
    const text = environment[variable]
    return text === undefined || text === '' ? [] : [[field, parse[field as Field]?.(text) ?? text] as const]
  })
  const tokenFile = environment['REGENT_TOKEN_FILE']
  const token =
    tokenFile && !environment['REGENT_TOKEN'] ? { token: readText(tokenFile, 'REGENT_TOKEN_FILE').trim() } : {}
  return { ...Object.fromEntries(given), ...token }
}

const defaults = () => ({
  name: defaultName(),
  labels: {},
  slots: 16,
  ringBytesMax: 256 * 2 ** 20,
  spoolBytesMax: 256 * 2 ** 20,
  journalSegmentBytesMax: 8 * 2 ** 20,
  logLevel: 'info',
  faults: [],
})

/** A wrong value, without what stands before the @ of a URL. */
const shown = (value: unknown): string | undefined => JSON.stringify(value)?.replace(/:\/\/[^/@\s]*@/, '://***@')

/** Environment over `<state>/config.json` over defaults. Throws AgentExit (code 2) with one line per wrong field. */
export const readConfig = (args: readonly string[], environment: Environment): Config => {
  const state = stateOf(args, environment)
  const file = fileOf(state)
  const config = { ...defaults(), ...file, ...environmentOf(environment) }
  const lines = new Set(
    Errors(Config, config).map(error => {
      const [, first = ''] = error.instancePath.split('/')
      const extra = error.keyword === 'additionalProperties' || error.keyword === 'boolean'
      if (extra && !(first in variables))
        return `${join(state, 'config.json')} has a field that is not known; allowed: ${Object.keys(variables).join(', ')}`
      const field = first as Field
      const schema = Config.properties[field] as { description?: string }
      const value = field === 'token' ? 'a value' : shown((config as Record<string, unknown>)[field])
      return `${variables[field]} (or "${field}" in config.json) is ${value}: ${error.message}; allowed: ${schema.description ?? 'see the README'}`
    }),
  )
  if (lines.size > 0) fail([...lines].join('\n'))
  const checked = { ...config, state } as Config
  if (checked.token !== undefined && !parseEnrolmentToken(checked.token))
    fail('REGENT_TOKEN (or "token" in config.json) is not an enrolment token; allowed: re1.<secret>.<root key>')
  if (checked.faults.length > 0 && environment['REOPS_PROOF_KIT'] !== '1')
    fail('REOPS_FAULTS is set outside the proof kit; unset it')
  return checked
}

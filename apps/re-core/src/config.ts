import { existsSync } from 'node:fs'
import {
  ConfigError,
  isReference,
  loadConfig,
  logLevels,
  resolveReference,
  Windows,
  type Environment,
} from '@re-ops/service'
import { Type } from 'typebox'
import { localFolderOf, stateFolderOf } from './folders.ts'
import { readPrices, type PriceFile } from './prices/file.ts'
import { defaultAgentCommand } from './providers/local/local.ts'

const port = { minimum: 0, maximum: 65_535 } as const
const Settings = Type.Object({
  // The address itself, which holds a password and is never shown, or a reference (file:, env:) to it.
  databaseUrl: Type.Optional(Type.String({ env: 'DATABASE_URL', redact: true })),
  masterKey: Type.Optional(Type.String({ env: 'REOPS_MASTER_KEY', secret: true })),
  tokenKey: Type.Optional(Type.String({ env: 'REOPS_TOKEN_KEY', secret: true })),
  logLevel: Type.Enum([...logLevels], { env: 'REOPS_LOG_LEVEL', default: 'info' }),
  host: Type.String({ env: 'RECORE_HOST', default: '127.0.0.1', minLength: 1 }),
  port: Type.Integer({ env: 'RECORE_PORT', default: 7010, ...port }),
  moteUrl: Type.Optional(Type.String({ env: 'REMOTE_URL', pattern: '^https?://[^\\s/@]+/?$' })),
  agentCommand: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), { env: 'RECORE_AGENT_COMMAND', minItems: 1, maxItems: 16 }),
  ),
  faults: Type.Array(Type.Enum(['ack-before-commit', 'no-journal', 'no-fence']), { env: 'REOPS_FAULTS', default: [] }),
  prices: Type.Optional(Type.String({ env: 'RECORE_PRICES', minLength: 1 })),
  ec2Endpoint: Type.Optional(Type.String({ env: 'RECORE_TEST_EC2_ENDPOINT', pattern: '^https?://[^\\s]+$' })),
  reaper: Type.Enum(['on', 'dry-run'], { env: 'RECORE_REAPER', default: 'on' }),
  windows: Windows,
  proofKit: Type.Optional(Type.String({ env: 'REOPS_PROOF_KIT' })),
})

/** Everything re-core is told from outside; the environment is read here (and in folders.ts) and nowhere else. */
export type Config = {
  readonly state: string
  readonly databaseUrl: string | undefined
  readonly masterKey: string | undefined
  readonly tokenKey: string | undefined
  readonly logLevel: (typeof logLevels)[number]
  readonly host: string
  readonly port: number
  readonly moteUrl: string | null
  readonly localFolder: string
  /** Null: no agent is at hand, so the local provider is not offered. */
  readonly agentCommand: readonly string[] | null
  readonly unfenced: boolean
  /** For tests: every EC2 account is asked there, whatever its settings say. */
  readonly ec2Endpoint: string | null
  /** `dry-run`: strays are named and none is destroyed. */
  readonly reaper: 'on' | 'dry-run'
  readonly prices: PriceFile
  readonly windows: readonly string[]
  readonly proofKit: string | undefined
}

const followed = async (url: string | undefined, environment: Environment): Promise<string | undefined> =>
  url !== undefined && isReference(url) ? (await resolveReference(url, { environment })).trim() : url

/** Throws ConfigError with one line per wrong variable. */
export const readConfig = async (environment: Environment): Promise<Config> => {
  const settings = loadConfig(Settings, { environment })
  if (settings.faults.length > 0 && settings.proofKit !== '1')
    throw new ConfigError(['REOPS_FAULTS: is for the proof kit alone; allowed only with REOPS_PROOF_KIT=1'])
  const standard = defaultAgentCommand()
  const hasStandard = existsSync(standard.at(-1) ?? '')
  return {
    state: stateFolderOf(environment),
    databaseUrl: await followed(settings.databaseUrl, environment),
    masterKey: settings.masterKey,
    tokenKey: settings.tokenKey,
    logLevel: settings.logLevel,
    host: settings.host,
    port: settings.port,
    moteUrl: settings.moteUrl?.replace(/\/$/, '') ?? null,
    localFolder: localFolderOf(environment),
    agentCommand: settings.agentCommand ?? (hasStandard ? standard : null),
    unfenced: settings.faults.includes('no-fence'),
    ec2Endpoint: settings.ec2Endpoint ?? null,
    reaper: settings.reaper,
    prices: readPrices(settings.prices),
    windows: settings.windows,
    proofKit: settings.proofKit,
  }
}

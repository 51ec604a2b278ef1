import { loadConfig, logLevels, Windows, type Environment } from '@re-ops/service'
import { Type, type Static } from 'typebox'

const Port = Type.Integer({ minimum: 0, maximum: 65_535 })

/** Everything re-mote can be told, and by which variable. The one place that reads the environment. */
export const Config = Type.Object({
  state: Type.String({ minLength: 1, default: '.reops', env: 'REOPS_STATE', description: 'the state folder' }),
  databaseUrl: Type.Optional(
    Type.String({
      pattern: '^(postgres(ql)?://|file:|env:)',
      env: 'DATABASE_URL',
      redact: true,
      description: 'postgres://..., or where that stands (file:path, env:NAME); absent: an embedded PostgreSQL',
    }),
  ),
  masterKey: Type.Optional(Type.String({ env: 'REOPS_MASTER_KEY', secret: true })),
  tokenKey: Type.Optional(Type.String({ env: 'REOPS_TOKEN_KEY', secret: true })),
  logLevel: Type.Enum([...logLevels], { default: 'info', env: 'REOPS_LOG_LEVEL' }),
  host: Type.String({ minLength: 1, default: '127.0.0.1', env: 'REMOTE_HOST' }),
  port: Type.Integer({ ...Port, default: 7020, env: 'REMOTE_PORT', description: '0: any free port' }),
  brokerHost: Type.String({ minLength: 1, default: '127.0.0.1', env: 'REMOTE_BROKER_HOST' }),
  brokerPort: Type.Integer({ ...Port, default: 7022, env: 'REMOTE_BROKER_PORT', description: '0: any free port' }),
  brokerAdvertise: Type.Optional(
    Type.String({
      pattern: '^tcp://[^\\s:]+:\\d+$|^tcp://\\[[0-9a-fA-F:]+\\]:\\d+$',
      env: 'REMOTE_BROKER_ADVERTISE',
      description: 'what agents dial, for example tcp://mote.example:7022',
    }),
  ),
  advertise: Type.Optional(
    Type.String({
      pattern: '^https?://[^\\s/@]+$',
      env: 'REMOTE_ADVERTISE',
      description: 'where agents that are deployed reach this service, for example http://mote.example:7020',
    }),
  ),
  agent: Type.Optional(
    Type.String({
      minLength: 1,
      env: 'REMOTE_AGENT',
      description: 'the folder with the main.cjs of the agent that is deployed; absent: re-gent beside this program',
    }),
  ),
  sshAgent: Type.Optional(
    Type.String({
      env: 'REMOTE_SSH_AGENT',
      description: 'socket of the ssh-agent for hosts that ask for it; also SSH_AUTH_SOCK',
    }),
  ),
  spoolBytesMax: Type.Integer({
    minimum: 65_536,
    maximum: 2 ** 40,
    default: 256 * 2 ** 20,
    env: 'REMOTE_SPOOL_BYTES_MAX',
    description:
      'bytes on disk for outputs of commands over SSH that are longer than a result; one stream may have a quarter',
  }),
  enrolsPerMinute: Type.Integer({
    minimum: 1,
    maximum: 1_000_000,
    default: 600,
    env: 'REMOTE_ENROLS_PER_MINUTE',
    description: 'enrolments that one address may ask for in a minute',
  }),
  factsHours: Type.Number({
    minimum: 0,
    maximum: 8_760,
    default: 12,
    env: 'REMOTE_FACTS_HOURS',
    description:
      'facts of hosts with an agent that are missing, or older than this, are read by re-mote itself; 0: never',
  }),
  filesBytesMax: Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    default: 20 * 1024 ** 3,
    env: 'REMOTE_FILES_BYTES_MAX',
    description: 'of all stored contents of files together',
  }),
  filesKeptDays: Type.Integer({
    minimum: 1,
    maximum: 36_500,
    default: 7,
    env: 'REMOTE_FILES_KEPT_DAYS',
    description: 'contents that nobody uses for so long are removed',
  }),
  proofKit: Type.Optional(Type.Literal('1', { env: 'REOPS_PROOF_KIT' })),
  windows: Windows,
  faults: Type.Optional(Type.Array(Type.String(), { env: 'REOPS_FAULTS', description: 'of the proof kit' })),
})
export type Config = Static<typeof Config>

export const readConfig = (environment: Environment): Config =>
  loadConfig(Config, { environment, aliases: { SSH_AUTH_SOCK: 'REMOTE_SSH_AGENT' } })

import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'
import { Failure, HostRef } from './outcome.ts'
import { TargetState } from './run.ts'

/** Where an agent is put that nobody gave another place. A longer one costs the agent memory (docs/adr/0010). */
export const agentPrefix = '/opt/re-gent'

const On = Type.String({ minLength: 1, maxLength: 4096, description: 'selector', examples: ['role=web'] })
const AllowNone = Type.Boolean({ description: 'a selector that matches nothing is not an error' })
const Parallel = Type.Integer({ minimum: 1, maximum: 64, description: 'hosts at the same time; default 8' })

/** Body of `POST /v1/agents/deploy`: puts an agent onto SSH hosts, or a newer one in place of the one that is there. */
export const DeployAgents = Type.Object(
  {
    on: On,
    prefix: Type.Optional(
      Type.String({
        pattern: '^(/[A-Za-z0-9][A-Za-z0-9._-]*){2,6}$',
        maxLength: 64,
        description: `folder of the agent on the host, at least two levels deep; default ${agentPrefix}`,
      }),
    ),
    become: Type.Optional(
      Type.Boolean({ description: 'as root, by sudo where the login user is another; default true' }),
    ),
    url: Type.Optional(
      Type.String({
        pattern: '^https?://[^\\s/@]+$',
        maxLength: 256,
        description: 'where the hosts reach re-mote; default: REMOTE_ADVERTISE of the service',
      }),
    ),
    canary: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1_000,
        description: 'so many hosts first; if one of them fails the others are skipped; default 0',
      }),
    ),
    onlyUpgrade: Type.Optional(Type.Boolean({ description: 'hosts without an agent are left as they are' })),
    homeMs: Type.Optional(
      Type.Integer({
        minimum: 1_000,
        maximum: 600_000,
        description: 'how long a started agent has until it has called home; default one minute',
      }),
    ),
    parallel: Type.Optional(Parallel),
    allowNone: Type.Optional(AllowNone),
  },
  { additionalProperties: false },
)
export type DeployAgents = Static<typeof DeployAgents>

/** Body of `POST /v1/agents/remove`: undoes a deployment; the hosts are reached over SSH again. */
export const RemoveAgents = Type.Object(
  { on: On, parallel: Type.Optional(Parallel), allowNone: Type.Optional(AllowNone) },
  { additionalProperties: false },
)
export type RemoveAgents = Static<typeof RemoveAgents>

export const deploymentPhases = [
  'waiting',
  'checking',
  'copying',
  'installing',
  'starting',
  'calling home',
  'rolling back',
  'stopping',
  'removing',
  'revoking',
  'done',
] as const
export const DeploymentPhase = Type.Enum(deploymentPhases)
export type DeploymentPhase = Static<typeof DeploymentPhase>

/** One host of a deployment, ending in exactly one terminal state. */
export const DeploymentHost = Type.Object({
  host: HostRef,
  state: TargetState,
  phase: DeploymentPhase,
  phases: Type.Array(Type.Object({ phase: DeploymentPhase, ms: Type.Number() }), {
    description: 'those that are over, and how long each took',
  }),
  ms: Type.Union([Type.Number(), Type.Null()], { description: 'from its start to its end; null while it lasts' }),
  changed: Type.Optional(Type.Boolean({ description: 'of one that is ok: whether anything was done' })),
  said: Type.Optional(Type.String({ description: 'of one that is ok: what was done' })),
  failure: Type.Optional(Failure),
})
export type DeploymentHost = Static<typeof DeploymentHost>

/** Agents put onto hosts, or taken from them. */
export const Deployment = Type.Object({
  id: Id,
  verb: Type.Enum(['deploy', 'remove']),
  on: Type.String(),
  build: Type.Union([Type.String(), Type.Null()], { description: 'of the agent that is deployed' }),
  state: Type.Enum(['running', 'done']),
  createdAt: Type.String({ format: 'date-time' }),
  finishedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  createdBy: Type.String(),
  hosts: Type.Array(DeploymentHost),
})
export type Deployment = Static<typeof Deployment>

/** What is known of an agent without asking it. */
export const Agent = Type.Object({
  host: HostRef,
  online: Type.Boolean(),
  state: Type.String(),
  version: Type.Union([Type.String(), Type.Null()], { description: 'with the build after a +, when it was deployed' }),
  prefix: Type.Union([Type.String(), Type.Null()], { description: 'its folder on the host, when it was deployed' }),
  pid: Type.Union([Type.Integer(), Type.Null()]),
  keysAt: Type.String({ format: 'date-time', description: 'when its keys were enrolled' }),
  sessionAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'since when its session is live, or when it ended',
  }),
  sessionEnd: Type.Union([Type.String(), Type.Null()], { description: 'why its last session ended' }),
})
export type Agent = Static<typeof Agent>

/** An entry of the audit: what happened to identities, keys and hosts. */
export const AuditItem = Type.Object({
  id: Id,
  at: Type.String({ format: 'date-time' }),
  action: Type.String(),
  subject: Type.Union([Type.String(), Type.Null()]),
  host: Type.Union([Id, Type.Null()]),
  detail: Type.Record(Type.String(), Type.Unknown()),
})
export type AuditItem = Static<typeof AuditItem>

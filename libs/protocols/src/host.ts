import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'
import { hostAddressesMax, IpAddress, LabelChanges, Labels, Name } from './names.ts'
import { TransportName } from './outcome.ts'
import { HostKeys, SshSettings } from './ssh-settings.ts'

export * from './names.ts'

/**
 * Body of `PATCH /v1/hosts/:id`: another name, labels to set, and with null labels to take away. `ssh` replaces the SSH settings; null takes them
 * from a host that has an agent.
 */
export const ChangeHost = Type.Object(
  {
    name: Type.Optional(Name),
    labels: Type.Optional(LabelChanges),
    ssh: Type.Optional(Type.Union([SshSettings, Type.Null()])),
    hostKeys: Type.Optional({
      ...HostKeys,
      description: 'the keys trusted from now on, instead of those known so far',
    }),
  },
  { additionalProperties: false, minProperties: 1 },
)
export type ChangeHost = {
  name?: string
  labels?: Record<string, string | null>
  ssh?: SshSettings | null
  hostKeys?: string[]
}

export const HostState = Type.Enum(['enrolled', 'quarantined', 'revoked'])
export type HostState = Static<typeof HostState>

/** An address we can reach. Not a VM record: each enrolment is a new host id; label `system` is stable. */
export const Host = Type.Object({
  id: Id,
  name: Name,
  labels: Labels,
  online: Type.Boolean({
    description: 'a session is live now; of an SSH host: the last try to reach it worked, or there was none',
  }),
  transport: TransportName,
  state: HostState,
  pid: Type.Union([Type.Integer(), Type.Null()], { description: "the agent's process id on the host" }),
  version: Type.Union([Type.String(), Type.Null()], { description: "the agent's version" }),
  boot: Type.Optional({ ...Id, description: 'which start of its agent held the last session' }),
  addresses: Type.Optional(
    Type.Array(IpAddress, {
      maxItems: hostAddressesMax,
      description: "of its network interfaces, as its agent's last hello said",
    }),
  ),
  facts: Type.Record(Type.String(), Type.Unknown(), { description: 'what the last `facts` run and custom facts said' }),
  factsAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], { description: 'when facts came last' }),
  system: Type.Union([Id, Type.Null()]),
  generation: Type.Union([Type.Integer(), Type.Null()]),
  enrolledAt: Type.String({ format: 'date-time' }),
  seenAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  stateReason: Type.Optional(Type.String({ description: 'why it is in quarantine' })),
  ssh: Type.Optional(SshSettings),
  hostKeys: Type.Optional(
    Type.Array(Type.String(), { description: 'keys trusted for SSH, as in known_hosts; of one host alone' }),
  ),
  sshError: Type.Optional(Type.String({ description: 'why the last try to reach it over SSH failed' })),
})
export type Host = Static<typeof Host>

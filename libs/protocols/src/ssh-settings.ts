import { Type, type Static } from 'typebox'
import { Labels, Name } from './names.ts'

/**
 * Where a credential of SSH is, never the credential. Only what was stored for SSH can be named: another secret or another file of the
 * service could otherwise be sent, as a password, to a host of the caller's choice.
 */
export const SshReference = Type.String({
  pattern:
    '^(secret:ssh/(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,120}|file:(?!.*\\.\\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,250})$',
  description: 'secret:ssh/NAME, or file:NAME in the SSH folder of the service',
  examples: ['secret:ssh/web'],
})
export const SshUser = Type.String({
  pattern: '^[A-Za-z_][A-Za-z0-9_.@-]{0,63}$',
  description: 'letters, digits and _ . @ -; begins with a letter or _',
})
export const SshAddress = Type.String({
  pattern: '^[A-Za-z0-9:_][A-Za-z0-9._:%-]{0,252}$',
  description: 'a host name or an IP address, without user and port',
  examples: ['10.0.0.7'],
})
const sshPort = Type.Integer({ minimum: 1, maximum: 65_535 })

/** How a host is reached over SSH. What is not said here is taken from the service's own SSH config, then from the defaults. */
export const SshSettings = Type.Object(
  {
    address: SshAddress,
    port: Type.Optional({ ...sshPort, description: 'default 22' }),
    user: Type.Optional({ ...SshUser, description: 'default root' }),
    identity: Type.Optional(
      Type.Array(SshReference, { maxItems: 8, description: 'private keys, tried in this order' }),
    ),
    passphrase: Type.Optional({ ...SshReference, description: 'of the private keys' }),
    certificate: Type.Optional({ ...SshReference, description: 'of the first private key; needs backend openssh' }),
    agent: Type.Optional(Type.Boolean({ description: "also try the keys of the service's ssh-agent" })),
    password: Type.Optional({ ...SshReference, description: 'the last resort, after all keys' }),
    jump: Type.Optional(Type.String({ ...Name, description: 'name of the SSH host to go through' })),
    hostKey: Type.Optional(
      Type.Enum(['strict', 'accept-new'], {
        description:
          'an unknown host key is refused (default), or trusted at the first connection; a changed one is always refused',
      }),
    ),
    backend: Type.Optional(
      Type.Enum(['ssh2', 'openssh'], {
        description: 'built in (default), or the ssh program of the service’s machine',
      }),
    ),
    kexAlgorithms: Type.Optional(
      Type.String({ pattern: '^[+^-]?[a-z0-9@.,-]{1,512}$', description: 'of backend openssh; default: its own' }),
    ),
    become: Type.Optional({
      ...SshReference,
      description: "the login user's password for sudo; without it sudo must not ask",
    }),
  },
  { additionalProperties: false },
)
export type SshSettings = Static<typeof SshSettings>

/** Public host keys, as known_hosts has them behind the names: `ssh-ed25519 AAAA...`. */
export const HostKeys = Type.Array(
  Type.String({
    pattern: '^[a-z0-9@.-]{4,64} [A-Za-z0-9+/]{16,16384}={0,2}$',
    description: 'type and key, as in known_hosts',
  }),
  { minItems: 1, maxItems: 16 },
)

/** Body of `POST /v1/hosts`: a host without an agent. The same again is the same host. */
export const AddHost = Type.Object(
  { name: Name, labels: Type.Optional(Labels), ssh: SshSettings, hostKeys: Type.Optional(HostKeys) },
  { additionalProperties: false },
)
export type AddHost = Static<typeof AddHost>

/** Body of `PUT /v1/secrets/:name`. It is encrypted at once and never answered. */
export const PutSecret = Type.Object(
  { value: Type.String({ minLength: 1, maxLength: 65_536 }) },
  { additionalProperties: false },
)
/** What is told of a secret. */
export const SecretStored = Type.Object({ name: Type.String(), version: Type.Integer() })

import { ProviderError } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'

const Port = Type.Integer({ minimum: 1, maximum: 65_535 })

/** A machine that stands somewhere: how it is woken, and how it is asked to power off. */
export const PhysicalMachine = Type.Object(
  {
    mac: Type.String({
      pattern: '^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$',
      description: 'of the network interface that wakes it: six pairs of hexadecimal digits',
      examples: ['aa:bb:cc:dd:ee:ff'],
    }),
    address: Type.String({
      pattern: '^[0-9A-Za-z][0-9A-Za-z.:-]{0,252}$',
      description: 'IP address or name of its sshd',
      examples: ['10.0.0.5'],
    }),
    port: Type.Optional(Port),
    user: Type.Optional(
      Type.String({
        pattern: '^[a-z_][a-z0-9_.-]{0,31}$',
        description: 'other than root: needs sudo without password',
      }),
    ),
    hostKey: Type.String({
      pattern: '^SHA256:[A-Za-z0-9+/]{43}$',
      description: 'fingerprint of its host key as ssh-keygen -lf shows it',
      examples: ['SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU'],
    }),
    broadcast: Type.Optional(
      Type.String({
        pattern: '^[0-9]{1,3}(\\.[0-9]{1,3}){3}$',
        description: 'where magic packets go',
        examples: ['10.0.0.255'],
      }),
    ),
    wakePort: Type.Optional(Port),
  },
  { additionalProperties: false },
)
export type PhysicalMachine = Static<typeof PhysicalMachine>

export const machinesMax = 256
/** Of an account: its machines by name. The name is the machine's reference. */
export const PhysicalSettings = Type.Object(
  {
    machines: Type.Record(
      Type.String({ pattern: '^[a-z0-9][a-z0-9.-]{0,62}$', description: 'lower case letters, digits, dot and dash' }),
      PhysicalMachine,
      { minProperties: 1, maxProperties: machinesMax, additionalProperties: false },
    ),
  },
  { additionalProperties: false },
)
export type PhysicalSettings = Static<typeof PhysicalSettings>

/** With its defaults. */
export type Machine = Required<PhysicalMachine> & { readonly name: string }
const defaults = { port: 22, user: 'root', broadcast: '255.255.255.255', wakePort: 9 }

export const machinesOf = ({ machines }: PhysicalSettings): Machine[] =>
  Object.entries(machines).map(([name, machine]) => ({ ...defaults, ...machine, name }))

/** Null: it does not stand in the settings, or not any more. */
export const machineOf = ({ machines }: PhysicalSettings, name: string): Machine | null => {
  const found = Object.hasOwn(machines, name) ? machines[name] : undefined
  return found === undefined ? null : { ...defaults, ...found, name }
}

/** Throws `invalid`, without the text. */
export const keyOf = (secret: string | null): string => {
  const text = secret?.trim() ?? ''
  if (/^-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n[\s\S]+\n-----END [A-Z ]*PRIVATE KEY-----$/.test(text))
    return `${text}\n`
  throw new ProviderError(
    'invalid',
    'not-applied',
    'the secret of an account of physical machines is an SSH private key without passphrase (-----BEGIN OPENSSH PRIVATE KEY----- ...)',
  )
}

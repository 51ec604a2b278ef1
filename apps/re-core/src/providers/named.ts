import { ProviderError, type MachineOptions, type Provider, type VmSpec } from '@re-ops/protocols'

/** A name in a machine's options that means nothing at its provider. */
export class NameError extends ProviderError {
  /** JSON pointer within the options. */
  readonly path: string
  constructor(path: string, message: string) {
    super('invalid', 'not-applied', message)
    this.path = path
  }
}

type Named = { readonly name: string }
/** Those of these names, in their order. Throws NameError that says which there are. */
const chosen = <T extends Named>(field: 'keys' | 'firewalls', names: readonly string[], all: readonly T[]): T[] =>
  names.map((name, n) => {
    const found = all.find(one => one.name === name)
    if (found !== undefined) return found
    const there = all.map(one => one.name).join(', ') || 'none'
    throw new NameError(`/${field}/${n}`, `is ${name}; the account has: ${there}`)
  })

const refuseNone = (field: 'keys' | 'firewalls' | 'volumes', { kind }: Provider, instead: string): never => {
  throw new NameError(`/${field}`, `is given, and provider ${kind} has none${instead}`)
}

/** What names in a machine's options are at its provider; asks it only where there are some. Throws ProviderError. */
export const named = async (
  provider: Provider,
  { keys = [], firewalls = [], volumes = [] }: MachineOptions,
  signal: AbortSignal,
): Promise<Pick<VmSpec, 'sshKeysOfAccount' | 'firewalls'>> => {
  if (keys.length > 0 && provider.keys === undefined)
    refuseNone('keys', provider, '; sshKeys takes the public keys themselves')
  if (firewalls.length > 0 && provider.firewalls === undefined) refuseNone('firewalls', provider, '')
  if (volumes.length > 0 && provider.volumes === undefined) refuseNone('volumes', provider, '')
  const [knownKeys, walls] = await Promise.all([
    keys.length > 0 ? (provider.keys?.list(signal) ?? []) : [],
    firewalls.length > 0 ? (provider.firewalls?.list(signal) ?? []) : [],
  ])
  return {
    ...(keys.length > 0 ? { sshKeysOfAccount: chosen('keys', keys, knownKeys) } : {}),
    ...(firewalls.length > 0 ? { firewalls: chosen('firewalls', firewalls, walls).map(one => one.ref) } : {}),
  }
}

import { hostAddressesMax, type Caps, type ObservedVm, type SystemAddress } from '@re-ops/protocols'

type Addresses = readonly SystemAddress[]

const privateForm =
  /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd]|fe80:|::1$)/i
const agentScope = (address: string, network: Caps['network']): SystemAddress['scope'] => {
  if (network === 'outbound') return 'inside'
  return privateForm.test(address) ? 'private' : 'public'
}

/** The provider's first, and each once. */
const together = (provided: Addresses, told: Addresses): Addresses =>
  [...provided, ...told.filter(({ address }) => !provided.some(one => one.address === address))].slice(
    0,
    hostAddressesMax,
  )
const of = (known: Addresses, from: SystemAddress['from']): Addresses => known.filter(one => one.from === from)

/** With what the provider says now; what the agent has seen stays while the machine runs. */
export const asProvided = (
  known: Addresses,
  { addresses, power }: Pick<ObservedVm, 'addresses' | 'power'>,
): Addresses =>
  together(
    addresses.map(({ address, scope }) => ({ address, scope, from: 'provider' })),
    power === 'running' ? of(known, 'agent') : [],
  )

/** With what its agent says now. */
export const asTold = (known: Addresses, now: readonly string[], { network }: Pick<Caps, 'network'>): Addresses =>
  together(
    of(known, 'provider'),
    now.map(address => ({ address, scope: agentScope(address, network), from: 'agent' })),
  )

/** The one to reach it by: a public one before a private one, as the provider says before what the agent has seen. */
export const addressOf = (known: Addresses): string | null => {
  const reachable = known.filter(({ scope }) => scope !== 'inside')
  const rank = ({ from, scope }: SystemAddress) => (from === 'provider' ? 0 : 2) + (scope === 'public' ? 0 : 1)
  return reachable.toSorted((a, b) => rank(a) - rank(b))[0]?.address ?? null
}

const textOf = (known: Addresses): string => known.map(one => `${one.address} ${one.scope} ${one.from}`).join()
/** What has to be written of them: nothing when they are as they were. */
export const changedAddresses = (before: Addresses, now: Addresses): { addresses?: Addresses } =>
  textOf(before) === textOf(now) ? {} : { addresses: now }

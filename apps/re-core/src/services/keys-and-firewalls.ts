import type { FirewallInfo, PutFirewall, SshKeyInfo } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { placeName, type PlaceKey } from '../providers/place.ts'
import { bound, extraOf, told, type Deps } from './extras.ts'
import type { Wish } from './where.ts'

const named = <T extends { readonly name: string }>(all: readonly T[], name: string, what: string, at: PlaceKey): T => {
  const found = all.find(one => one.name === name)
  if (found !== undefined) return found
  throw new HttpProblem(404, `no-such-${what}`, `No such ${what}`, `no ${what} ${name} in ${placeName(at)}`)
}

export const getSshKeys = async (deps: Deps, wish: Wish): Promise<SshKeyInfo[]> => {
  const { place, api } = await extraOf(deps, wish, 'keys')
  return (await told(api.list(bound()))).map(one => ({ ...place, ...one }))
}
/** The same again is the same key; the name with another key is refused with 409. */
export const putSshKey = async (deps: Deps, wish: Wish, name: string, publicKey: string): Promise<SshKeyInfo> => {
  const { place, api } = await extraOf(deps, wish, 'keys')
  return { ...place, ...(await told(api.ensure({ name, publicKey }, bound()))) }
}
export const removeSshKey = async (deps: Deps, wish: Wish, name: string): Promise<SshKeyInfo> => {
  const { place, api } = await extraOf(deps, wish, 'keys')
  const found = named(await told(api.list(bound())), name, 'ssh-key', place)
  await told(api.delete(found.ref, bound()))
  return { ...place, ...found }
}

const plain = (place: PlaceKey, one: Omit<FirewallInfo, keyof PlaceKey>): FirewallInfo => ({ ...place, ...one })
export const getFirewalls = async (deps: Deps, wish: Wish): Promise<FirewallInfo[]> => {
  const { place, api } = await extraOf(deps, wish, 'firewalls')
  return (await told(api.list(bound()))).map(one => plain(place, JSON.parse(JSON.stringify(one)) as FirewallInfo))
}
/** Its rules are exactly these afterwards. */
export const putFirewall = async (
  deps: Deps,
  wish: Wish,
  name: string,
  { rules }: PutFirewall,
): Promise<FirewallInfo> => {
  const { place, api } = await extraOf(deps, wish, 'firewalls')
  const one = await told(api.ensure({ name, rules }, bound()))
  return plain(place, JSON.parse(JSON.stringify(one)) as FirewallInfo)
}
export const removeFirewall = async (deps: Deps, wish: Wish, name: string): Promise<FirewallInfo> => {
  const { place, api } = await extraOf(deps, wish, 'firewalls')
  const found = named(await told(api.list(bound())), name, 'firewall', place)
  await told(api.delete(found.ref, bound()))
  return plain(place, JSON.parse(JSON.stringify(found)) as FirewallInfo)
}

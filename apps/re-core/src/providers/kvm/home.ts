import { connect } from 'node:net'
import type { Libvirt } from '@re-ops/node-libvirt'
import { find, parseXml } from '@re-ops/node-libvirt/xml'
import { ProviderError, type CallHome } from '@re-ops/protocols'
import { unless } from './errors.ts'
import type { KvmRequest } from './plan.ts'
import { kvmDefaults, uriOf, type KvmSettings } from './settings.ts'
import { within } from './start.ts'

/** Where QEMU's own network shows a guest the loopback of its host. */
const userGateway = '10.0.2.2'
/** Stands for the address of the network's gateway until libvirt is asked for it, when the machine is made. */
const gatewayName = 'gateway.re-ops.invalid'

const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0|\[::\])$/

/**
 * What a guest is told of re-mote. An address that means "this machine" means another one there: it becomes the one by
 * which guests of the network see their host.
 */
export const homeOf = (settings: KvmSettings, callHome: CallHome | null): CallHome | null => {
  if (callHome === null) return null
  if (settings.home !== undefined) return { ...callHome, url: settings.home.replace(/\/$/, '') }
  const url = new URL(callHome.url)
  if (!loopback.test(url.hostname)) return callHome
  url.hostname = (settings.network ?? kvmDefaults.network) === 'user' ? userGateway : gatewayName
  return { ...callHome, url: url.origin }
}

const askMs = 3_000
const answers = (host: string, port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ host, port, timeout: askMs })
    const end = (is: boolean) => () => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })

const gatewayOf = async (libvirt: Libvirt, network: string, signal: AbortSignal): Promise<string> => {
  const found = await unless(libvirt.networks.byName(network, within(signal)), 'no-network')
  const xml = found === null ? null : parseXml(await libvirt.networks.xml(found, within(signal)))
  const [ip] = xml === null ? [] : find(xml, 'ip').filter(one => one.attributes['family'] !== 'ipv6')
  const address = ip?.attributes['address']
  if (address !== undefined) return address
  const text = `network ${network} has no address of this host by which guests could reach re-mote; set \`home\` of the account`
  throw new ProviderError('invalid', 'not-applied', text)
}

/** User-data with the gateway's address in it, when it waits for that. Throws while re-mote does not listen there. */
export const withHome = async (
  libvirt: Libvirt,
  settings: KvmSettings,
  region: string,
  { userData, network }: KvmRequest,
  signal: AbortSignal,
): Promise<string | null> => {
  const [, port] = new RegExp(`http://${gatewayName.replaceAll('.', '\\.')}:?(\\d*)`).exec(userData ?? '') ?? []
  if (userData === null || port === undefined) return userData
  const gateway = await gatewayOf(libvirt, network, signal)
  const isHere = !uriOf(settings, region).includes('+ssh')
  if (!isHere || !(await answers(gateway, Number(port || 80)))) {
    const text = `guests of network ${network} reach this host at ${gateway}, where re-mote does not listen (port ${port || 80}): start it with REMOTE_HOST=0.0.0.0 REMOTE_BROKER_HOST=0.0.0.0 (or ${gateway}), or set \`home\` of the account to its URL`
    throw new ProviderError('transient', 'not-applied', text)
  }
  return userData.replaceAll(gatewayName, gateway)
}

import { stringify } from 'yaml'
import {
  compareNames,
  hostsMax,
  InventoryError,
  isLabelKey,
  isLabelValue,
  isName,
  portOf,
  type HostEntry,
  type Inventory,
  type SshEntry,
} from './entry.ts'
import { yamlContent } from './yaml.ts'

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * An inventory of this program's own form, as YAML or JSON: a list of hosts, or `hosts:` with the list. Throws InventoryError naming the file and
 * the place.
 *
 *     hosts:
 *       - name: web-1
 *         address: 10.0.0.7
 *         labels: { role: web }
 *         ssh: { user: admin, port: 22, identity: [file:web], jump: bastion }
 */
export const readInventoryFile = (text: string, file: string): Inventory => {
  const content = contentOf(text, file)
  const list = listIn(content)
  // Labels are text, so of those the text that stands there is taken.
  const texts = listIn(yamlContent(text, file, { texts: true })) as { labels?: unknown }[]
  if (!Array.isArray(list))
    throw new InventoryError(
      `${file}: needs a list of hosts, or \`hosts:\` with a list${isFields(content) ? `; ${ansibleHint}` : ''}`,
    )
  if (list.length > hostsMax) throw new InventoryError(`${file}: ${list.length} hosts, allowed are ${hostsMax}`)
  const hosts = list.map((one: unknown, n) => hostOf(one, texts[n]?.labels, `${file}: hosts[${n}]`))
  const twice = hosts.map(one => one.name).find((name, n, names) => names.indexOf(name) < n)
  if (twice !== undefined) throw new InventoryError(`${file}: host ${twice} is there twice`)
  return { hosts, notes: [] }
}

const ansibleHint = 'an Ansible inventory is read with --ansible'

const contentOf = (text: string, file: string): unknown => {
  try {
    return yamlContent(text, file)
  } catch (error) {
    // A heading such as [web] stands alone on its line in INI only.
    if (!(error instanceof InventoryError) || !/^\[[^\]]+\]\s*$/m.test(text)) throw error
    throw new InventoryError(`${error.message.replace(/:$/, '')}; ${ansibleHint}`)
  }
}

const fieldsAllowed = ['name', 'address', 'labels', 'ssh']

const listIn = (content: unknown) => (isFields(content) ? content['hosts'] : content)

const hostOf = (value: unknown, labels: unknown, where: string): HostEntry => {
  if (!isFields(value)) throw new InventoryError(`${where}: is not a host with a name`)
  const unknown = Object.keys(value).find(key => !fieldsAllowed.includes(key))
  if (unknown !== undefined)
    throw new InventoryError(`${where}: unknown field \`${unknown}\`; allowed are ${fieldsAllowed.join(', ')}`)
  const { name, address, ssh } = value
  if (typeof name !== 'string' || !isName(name))
    throw new InventoryError(`${where}.name: needs letters, digits, dot, dash and underscore; at most 63 characters`)
  const settings = sshOf(address, ssh, where)
  return { name, labels: labelsOf(labels ?? {}, `${where}.labels`), ...(settings ? { ssh: settings } : {}) }
}

const labelsOf = (value: unknown, where: string): Record<string, string> => {
  if (!isFields(value)) throw new InventoryError(`${where}: are key: value pairs`)
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => {
      if (!isLabelKey(key) || typeof one !== 'string' || !isLabelValue(one))
        throw new InventoryError(
          `${where}: \`${key}\` is no label; a key begins with a letter and has letters, digits and _ . / -, a value is text of at most 256 characters`,
        )
      return [key, one]
    }),
  )
}

const sshOf = (address: unknown, ssh: unknown, where: string): SshEntry | null => {
  if (ssh !== undefined && !isFields(ssh)) throw new InventoryError(`${where}.ssh: are settings by name`)
  const at = address ?? ssh?.['address']
  if (at === undefined && ssh === undefined) return null
  if (typeof at !== 'string' || at === '') throw new InventoryError(`${where}: SSH settings need an \`address\``)
  const { port, ...rest } = ssh ?? {}
  return { ...rest, address: at, ...(port === undefined ? {} : { port: portOf(port, `${where}.ssh`) }) }
}

const shown = ({ name, labels, ssh }: HostEntry) => {
  const { address, ...settings } = ssh ?? {}
  return {
    name,
    ...(address === undefined ? {} : { address }),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(Object.keys(settings).length > 0 ? { ssh: settings } : {}),
  }
}
const sorted = (hosts: readonly HostEntry[]) => ({ hosts: hosts.toSorted(compareNames).map(shown) })
export const writeYaml = (hosts: readonly HostEntry[]): string => stringify(sorted(hosts), { lineWidth: 0 })
export const writeJson = (hosts: readonly HostEntry[]): string => `${JSON.stringify(sorted(hosts), null, 2)}\n`

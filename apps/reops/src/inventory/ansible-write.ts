import { stringify } from 'yaml'
import { ownVars } from './ansible-hosts.ts'
import { compareNames, type HostEntry } from './entry.ts'

type Described = {
  readonly name: string
  readonly groups: readonly string[]
  readonly vars: Readonly<Record<string, string>>
}

/** Words of playbooks: variables of these names would shadow them. */
const reserved = new Set(
  'name hosts vars tags port roles tasks connection remote_user become become_user environment no_log when register loop action args async poll delegate_to run_once serial strategy collections handlers debugger groups hostvars inventory_hostname omit playbook_dir role_path'.split(
    ' ',
  ),
)
const plainName = /^[A-Za-z_][A-Za-z0-9_]*$/
const secretName = /pass(word|wd)?|secret|token|credential|private|api_?key/i
const plainValue = /^[A-Za-z0-9_.:@+,/-]+$/
const groupName = /^group\/([A-Za-z0-9_][A-Za-z0-9_.-]*)$/

/** A label that an Ansible variable can carry there and back; the others go into one variable as JSON. */
const isVariable = ([key, value]: [string, string]) =>
  plainName.test(key) &&
  plainValue.test(value) &&
  !reserved.has(key) &&
  !secretName.test(key) &&
  !/^(ansible|reops)_/.test(key)

const describe = ({ name, labels, ssh }: HostEntry): Described => {
  const all = Object.entries(labels)
  const groupOf = ([key, value]: [string, string]) =>
    value === 'true' && !/^group\/(all|ungrouped)$/.test(key) ? groupName.exec(key)?.[1] : undefined
  const groups = all.flatMap(one => groupOf(one) ?? [])
  const rest = all.filter(one => groupOf(one) === undefined)
  const json = rest.filter(one => !isVariable(one))
  const own: Record<string, string> = {
    ...Object.fromEntries(rest.filter(isVariable)),
    ...(json.length > 0 ? { [ownVars.labels]: jsonText(Object.fromEntries(json)) } : {}),
  }
  return { name, groups, vars: { ...(ssh ? sshVars(name, ssh) : { [ownVars.agent]: 'true' }), ...own } }
}

const sshVars = (name: string, ssh: NonNullable<HostEntry['ssh']>): Record<string, string> => {
  const { address, port, user, identity = [], jump, ...settings } = ssh
  const [key = '', ...keys] = identity
  const file = keys.length === 0 ? /^file:([A-Za-z0-9][A-Za-z0-9._/-]*)$/.exec(key)?.[1] : undefined
  const others = { ...settings, ...(identity.length > 0 && file === undefined ? { identity } : {}) }
  return {
    ...(address === name ? {} : { ansible_host: address }),
    ...(port === undefined ? {} : { ansible_port: String(port) }),
    ...(user === undefined ? {} : { ansible_user: user }),
    ...(file === undefined ? {} : { ansible_ssh_private_key_file: file }),
    ...(jump === undefined ? {} : { ansible_ssh_common_args: `-o ProxyJump=${jump}` }),
    ...(Object.keys(others).length > 0 ? { [ownVars.ssh]: jsonText(others) } : {}),
  }
}

/** JSON without a character that quoting would have to care about. */
const jsonText = (value: unknown) =>
  JSON.stringify(value).replace(/['#]|[^ -~]/g, found => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)

const byGroup = (hosts: readonly Described[]): [group: string, hosts: string[]][] => {
  const groups = new Map<string, string[]>()
  for (const { name, groups: of } of hosts)
    for (const group of of) groups.set(group, [...(groups.get(group) ?? []), name])
  return [...groups].toSorted(([a], [b]) => Number(a > b) - Number(a < b))
}

/** Ansible reads `1.10` as a number and `True` as a truth value: labels that look so are quoted twice, for the shell's eyes and for Python's. */
const iniValue = (key: string, value: string) => {
  const typed = /^[\d.+-]|^(True|False|None)$/.test(value) && !key.startsWith('ansible_')
  if (plainValue.test(value)) return typed ? `'"${value}"'` : value
  return `'${value}'`
}

/** As an INI inventory: every host with its variables, then the groups. */
export const writeAnsibleIni = (hosts: readonly HostEntry[]): string => {
  const all = hosts.toSorted(compareNames).map(describe)
  const lines = all.map(({ name, vars }) =>
    [name, ...Object.entries(vars).map(([key, value]) => `${key}=${iniValue(key, value)}`)].join(' '),
  )
  const groups = byGroup(all).map(([group, names]) => `\n[${group}]\n${names.join('\n')}\n`)
  return `${lines.join('\n')}\n${groups.join('')}`
}

/** As a YAML inventory. */
export const writeAnsibleYaml = (hosts: readonly HostEntry[]): string => {
  const all = hosts.toSorted(compareNames).map(describe)
  const children = byGroup(all).map(([group, names]) => [group, { hosts: Object.fromEntries(names.map(name => [name, {}])) }]) // prettier-ignore
  const content = {
    all: {
      hosts: Object.fromEntries(all.map(({ name, vars }) => [name, vars])),
      ...(children.length > 0 ? { children: Object.fromEntries(children) as object } : {}),
    },
  }
  return stringify(content, { lineWidth: 0, version: '1.1' })
}

import {
  InventoryError,
  isLabelKey,
  isLabelValue,
  isName,
  portOf,
  type HostEntry,
  type Inventory,
  type SshEntry,
} from './entry.ts'
import type { Vars } from './groups.ts'

type Read = { readonly name: string; readonly groups: readonly string[]; readonly vars: Vars }

/** Groups become labels `group/NAME=true`, so `group/web=true` selects what Ansible calls `web`. */
export const groupLabel = (group: string) => `group/${group}`
const everybody = new Set(['all', 'ungrouped'])
/** Variables of this program in an Ansible inventory: what has no word there. All are JSON. */
export const ownVars = { labels: 'reops_labels', ssh: 'reops_ssh', agent: 'reops_agent' } as const
/** Labels are seen by all who may see hosts. */
const secretName = /pass(word|wd)?|secret|token|credential|private|api_?key/i
const unheard = new Set(['ansible_connection', 'ansible_shell_type', 'ansible_python_interpreter'])

/** Hosts of an Ansible inventory as this program's own. What cannot be taken over is named once, without values. */
export const hostsOfGroups = (hosts: readonly Read[], file: string): Inventory => {
  const left = new Map<string, Set<string>>()
  const leave = (what: string, why: string) => left.set(why, (left.get(why) ?? new Set()).add(what))
  const taken = hosts.flatMap(host => hostOf(host, file, leave) ?? [])
  const notes = [...left].map(([why, whats]) => `${file}: ${[...whats].toSorted().join(', ')}: ${why}`)
  return { hosts: taken, notes }
}

type Leave = (what: string, why: string) => void

const hostOf = ({ name, groups, vars }: Read, file: string, leave: Leave): HostEntry | null => {
  if (!isName(name))
    throw new InventoryError(
      `${file}: host ${JSON.stringify(name.slice(0, 80))}: a name has letters, digits, dot, dash and underscore, at most 63; give the address as ansible_host`,
    )
  const connection = textOf(vars['ansible_connection']) ?? 'ssh'
  if (!['ssh', 'smart', 'paramiko', 'paramiko_ssh'].includes(connection)) {
    leave(name, `is not reached over SSH (ansible_connection=${connection}), left out`)
    return null
  }
  const labels: Record<string, string> = {}
  for (const group of groups)
    if (!everybody.has(group) && isLabelKey(groupLabel(group))) labels[groupLabel(group)] = 'true'
    else if (!everybody.has(group)) leave(`[${group}]`, 'is no name of a label, left out')
  for (const [key, value] of Object.entries(vars)) if (!/^(ansible|reops)_/.test(key)) label(labels, key, value, leave)
  Object.assign(labels, jsonOf(vars[ownVars.labels], `${file}: host ${name}: ${ownVars.labels}`))
  const agent = textOf(vars[ownVars.agent]) === 'true'
  return { name, labels, ...(agent ? {} : { ssh: sshOf(name, vars, file, leave) }) }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

const label = (labels: Record<string, string>, key: string, value: unknown, leave: Leave): void => {
  if (secretName.test(key)) return leave(key, 'may be a secret, and labels are seen by many, left out')
  if (typeof value === 'string' && value.startsWith('$ANSIBLE_VAULT')) return leave(key, 'is a secret, left out')
  if (typeof value !== 'string' || value.includes('{{'))
    return leave(key, 'is a list, a mapping or a template, which no label can be, left out')
  if (!isLabelKey(key) || !isLabelValue(value)) return leave(key, 'is no label (name or length), left out')
  labels[key] = value
}

/** A JSON object of one of our own variables; in YAML it may be a mapping. */
const jsonOf = (value: unknown, where: string): Record<string, never> => {
  if (value === undefined) return {}
  try {
    const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : value
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Record<string, never>
  } catch {
    // told below
  }
  throw new InventoryError(`${where} is not a JSON object`)
}

const passwords = /^ansible_.*(pass(word)?|vault).*$/

const sshOf = (name: string, vars: Vars, file: string, leave: Leave): SshEntry => {
  const first = (...keys: string[]) => keys.map(key => textOf(vars[key])).find(value => value !== undefined)
  const address = first('ansible_host', 'ansible_ssh_host') ?? name
  const port = first('ansible_port', 'ansible_ssh_port')
  const user = first('ansible_user', 'ansible_ssh_user')
  const key = first('ansible_ssh_private_key_file', 'ansible_private_key_file')
  const jump = jumpOf(first('ansible_ssh_common_args') ?? '', leave)
  for (const one of Object.keys(vars))
    if (passwords.test(one))
      leave(one, 'is a secret; store it by `reops secrets` and name it in the SSH settings, left out')
    else if (one.startsWith('ansible_') && !known.has(one) && !unheard.has(one))
      leave(one, 'means nothing here, left out')
  return {
    ...jsonOf(vars[ownVars.ssh], `${file}: host ${name}: ${ownVars.ssh}`),
    address,
    ...(port === undefined ? {} : { port: portOf(port, `${file}: host ${name}`) }),
    ...(user === undefined ? {} : { user }),
    ...(key === undefined ? {} : { identity: [keyReference(key, leave)] }),
    ...(jump === undefined ? {} : { jump }),
  }
}
const known = new Set([
  'ansible_host', 'ansible_ssh_host', 'ansible_port', 'ansible_ssh_port', 'ansible_user', 'ansible_ssh_user',
  'ansible_ssh_private_key_file', 'ansible_private_key_file', 'ansible_ssh_common_args',
]) // prettier-ignore

/** A path on this machine becomes a name in the SSH folder of the service, where the key has to be put: it is not copied from here. */
const keyReference = (path: string, leave: Leave): string => {
  const absolute = /^(~|\/)/.test(path)
  const name = absolute ? (path.split('/').at(-1) ?? '') : path.replace(/^\.\//, '')
  if (absolute) leave(path, `is a private key of this machine; put it into the SSH folder of the service as ${name}`)
  return `file:${name}`
}

const jumpOf = (args: string, leave: Leave): string | undefined => {
  if (args === '') return undefined
  const match =
    /^(?:-o\s*["']?ProxyJump=([A-Za-z0-9][A-Za-z0-9._-]{0,62})["']?|-J\s+([A-Za-z0-9][A-Za-z0-9._-]{0,62}))$/.exec(
      args.trim(),
    )
  if (!match) leave('ansible_ssh_common_args', 'only a ProxyJump by name is understood, left out')
  return match?.[1] ?? match?.[2]
}

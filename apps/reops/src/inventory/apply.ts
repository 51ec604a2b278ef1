import { isClientError, type Mote } from '@re-ops/client'
import type { AddHost, ChangeHost, Host } from '@re-ops/protocols'
import type { HostEntry } from './entry.ts'

export type Applied = {
  readonly name: string
  readonly state: 'added' | 'changed' | 'same' | 'refused'
  readonly why?: string
}

/** Hosts that others go through come before them; a circle is left to the service, which refuses it. */
export const inOrder = (hosts: readonly HostEntry[]): HostEntry[] => {
  const byName = new Map(hosts.map(host => [host.name, host]))
  const ordered = new Set<HostEntry>()
  const put = (host: HostEntry, above: ReadonlySet<HostEntry>) => {
    if (ordered.has(host) || above.has(host)) return
    const jump = host.ssh?.jump === undefined ? undefined : byName.get(host.ssh.jump)
    if (jump) put(jump, new Set([...above, host]))
    ordered.add(host)
  }
  for (const host of hosts) put(host, new Set())
  return [...ordered]
}

/** Labels that make the host's what the entry says, those to be taken away included. */
const labelChange = (host: Host, { labels }: HostEntry): Record<string, string | null> => ({
  ...Object.fromEntries(Object.keys(host.labels).filter(key => key !== 'system' && !(key in labels)).map(key => [key, null])),
  ...Object.fromEntries(Object.entries(labels).filter(([key, value]) => host.labels[key] !== value)),
}) // prettier-ignore

const refused = (name: string, why: string): Applied => ({ name, state: 'refused', why })

/** Makes one host as the entry says: adds it, or with `change` changes the one of its name. */
export const applyEntry = async (
  mote: Mote,
  entry: HostEntry,
  { there, change }: { readonly there: Host | undefined; readonly change: boolean },
): Promise<Applied> => {
  const { name, ssh } = entry
  try {
    if (!there) {
      if (!ssh) return refused(name, 'it has no address, and no agent has enrolled under this name')
      // The service checks the settings, and names the one that does not fit.
      await mote.addHost({ name, labels: { ...entry.labels }, ssh: ssh as AddHost['ssh'] })
      return { name, state: 'added' }
    }
    const labels = labelChange(there, entry)
    const has = (there as { ssh?: unknown }).ssh
    const otherWay = ssh !== undefined && !sameSettings(has, ssh)
    if (Object.keys(labels).length === 0 && !otherWay) return { name, state: 'same' }
    if (!change) return refused(name, 'is there and differs; --change makes it as the file says')
    await mote.changeHost(there.id, {
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(otherWay ? ({ ssh } as ChangeHost) : {}),
    })
    return { name, state: 'changed' }
  } catch (error) {
    if (!isClientError(error, 'problem')) throw error
    return refused(name, error.message)
  }
}

const sameSettings = (has: unknown, wanted: object): boolean => {
  const sorted = (value: unknown) =>
    JSON.stringify(Object.entries(value ?? {}).toSorted(([a], [b]) => Number(a > b) - Number(a < b)))
  return sorted(has) === sorted(wanted)
}

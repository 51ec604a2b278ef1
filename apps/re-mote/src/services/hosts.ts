import { labelsMax, relabelled, type ChangeHost } from '@re-ops/protocols'
import { HttpProblem, transaction, type Pool } from '@re-ops/service'
import { changeHost, findNamesake, lockHost } from '../store/hosts.ts'

export type HostChange = {
  readonly name?: { from: string; to: string }
  readonly labels?: Record<string, string | null>
}

export const noSuchHost = (id: string) =>
  new HttpProblem(404, 'no-such-host', 'No such host', `host ${id} does not exist; GET /v1/hosts lists them`)
const refused = (kind: string, title: string, detail: string) => new HttpProblem(409, kind, title, detail)

/** Gives a host another name and other labels. Answers what changed, null when all was so already. */
export const patchHost = (pool: Pool, id: string, asked: ChangeHost): Promise<HostChange | null> =>
  transaction(pool, async tx => {
    const host = await lockHost(tx, id)
    if (!host) throw noSuchHost(id)
    if (host.state === 'revoked')
      throw refused('host-revoked', 'Host is revoked', `host ${host.name} is revoked; nothing of it changes any more`)
    const name = asked.name ?? host.name
    const labels = relabelled(host.labels, asked.labels ?? {})
    if (host.system !== null && labels['system'] !== host.labels['system'])
      throw refused('label-fixed', 'Label is fixed', '/body/labels/system: says which system the host is of, and stays')
    if (Object.keys(labels).length > labelsMax)
      throw refused('too-many-labels', 'Too many labels', `/body/labels: a host has at most ${labelsMax} labels`)
    const namesake = name === host.name ? null : await findNamesake(tx, { id, name })
    if (namesake !== null)
      throw refused('name-taken', 'Name is taken', `/body/name: host ${namesake} is called ${name} already`)
    const changed = Object.entries(asked.labels ?? {}).filter(
      ([key, value]) => host.labels[key] !== (value ?? undefined),
    )
    if (name === host.name && changed.length === 0) return null
    await changeHost(tx, { id, name, labels })
    return {
      ...(name === host.name ? {} : { name: { from: host.name, to: name } }),
      ...(changed.length === 0 ? {} : { labels: Object.fromEntries(changed) }),
    }
  })

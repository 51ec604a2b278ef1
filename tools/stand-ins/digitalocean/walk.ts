import type { FakeDigitalOcean } from './fake.ts'

/** What one request came to. */
export type Came = { readonly status: number; readonly body: Record<string, never>; readonly headers: Headers }
export type Ask = (line: string, body?: unknown) => Promise<Came>

/** Asks a stand-in as a client would: `POST /v2/droplets` and a body. */
export const asker =
  (fake: FakeDigitalOcean, token = fake.token): Ask =>
  async (line, body) => {
    const [method = '', path = ''] = line.split(' ')
    const reply = await fetch(`${fake.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await reply.text()
    return {
      status: reply.status,
      body: (text === '' ? {} : JSON.parse(text)) as Record<string, never>,
      headers: reply.headers,
    }
  }

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEOMC2bPb2fTQqbdRQ7YBgzh5vTNgLMqW0sO7X6rYp5C tester'

type Walker = {
  /** `{name}` in the line is what was kept under that name. */
  go(line: string, status: number, body?: unknown): Promise<Came>
  keep(name: string, value: unknown): void
  id(name: string): number
}

const makeWalker = (ask: Ask, say: (step: string, came: Came, expected: number) => void): Walker => {
  const known = new Map<string, string>()
  return {
    keep: (name, value) => void known.set(name, String(value)),
    id: name => Number(known.get(name)),
    go: async (line, status, body) => {
      const came = await ask(
        line.replace(/\{(\w+)\}/g, (_, name: string) => known.get(name) ?? name),
        body,
      )
      say(line, came, status)
      return came
    },
  }
}

const walkCatalog = async ({ go, keep }: Walker) => {
  for (const path of ['account', 'sizes?per_page=200', 'regions', 'images?per_page=200', 'images/debian-12-x64'])
    await go(`GET /v2/${path}`, 200)
  const made = (await go('POST /v2/account/keys', 201, { name: 'tester', public_key: key })).body as never as {
    ssh_key: { id: number }
  }
  keep('key', made.ssh_key.id)
  await go('GET /v2/account/keys', 200)
  await go('GET /v2/account/keys/{key}', 200)
}

const walkDroplets = async ({ go, keep, id }: Walker) => {
  const asked = { name: 'web-1', region: 'nyc3', size: 's-1vcpu-1gb', image: 'debian-12-x64', tags: ['web'] }
  const more = { ssh_keys: [id('key')], user_data: '#cloud-config' }
  const made = (await go('POST /v2/droplets', 202, { ...asked, ...more })).body as never as {
    droplet: { id: number }
    links: { actions: { id: number }[] }
  }
  keep('droplet', made.droplet.id)
  keep('action', made.links.actions[0]?.id)
  await go('GET /v2/actions/{action}', 200)
  await go('GET /v2/actions', 200)
  for (const path of ['', '/{droplet}', '?tag_name=web', '?name=web-1', '/{droplet}/actions'])
    await go(`GET /v2/droplets${path}`, 200)
  await go('GET /v2/droplets/{droplet}/actions/{action}', 200)
  const act = (type: string, more: object = {}) => go('POST /v2/droplets/{droplet}/actions', 201, { type, ...more })
  for (const type of ['reboot', 'shutdown', 'power_on', 'power_off']) await act(type)
  await act('resize', { size: 's-1vcpu-2gb', disk: true })
  await act('rename', { name: 'web-2' })
  await act('snapshot', { name: 'snap' })
  const { snapshots } = (await go('GET /v2/droplets/{droplet}/snapshots', 200)).body as never as {
    snapshots: { id: number }[]
  }
  keep('snapshot', snapshots[0]?.id)
  await act('restore', { image: snapshots[0]?.id })
  await act('power_on')
}

const walkTags = async ({ go, id }: Walker) => {
  await go('POST /v2/tags', 201, { name: 'blue' })
  const resources = [{ resource_id: String(id('droplet')), resource_type: 'droplet' }]
  await go('POST /v2/tags/blue/resources', 204, { resources })
  await go('GET /v2/tags/blue', 200)
  await go('GET /v2/tags', 200)
  await go('DELETE /v2/tags/blue/resources', 204, { resources })
  await go('DELETE /v2/tags/blue', 204)
}

const walkVolumes = async ({ go, keep, id }: Walker) => {
  const volume = { name: 'data', region: 'nyc3', size_gigabytes: 10, tags: ['web'] }
  const made = (await go('POST /v2/volumes', 201, volume)).body as never as { volume: { id: string } }
  keep('volume', made.volume.id)
  for (const path of ['', '?name=data&region=nyc3', '/{volume}']) await go(`GET /v2/volumes${path}`, 200)
  const place = { droplet_id: id('droplet'), region: 'nyc3' }
  const attach = await go('POST /v2/volumes/{volume}/actions', 202, { type: 'attach', ...place })
  keep('volumeAction', (attach.body as never as { action: { id: number } }).action.id)
  await go('GET /v2/volumes/{volume}/actions/{volumeAction}', 200)
  await go('POST /v2/volumes/{volume}/actions', 202, { type: 'detach', ...place })
  await go('POST /v2/volumes/{volume}/actions', 202, { type: 'resize', size_gigabytes: 20, region: 'nyc3' })
  await go('POST /v2/volumes/{volume}/snapshots', 201, { name: 'data-snap' })
  await go('DELETE /v2/volumes/{volume}', 204)
}

const walkNetwork = async ({ go, keep, id }: Walker) => {
  const inbound = [{ protocol: 'tcp', ports: '22', sources: { addresses: ['0.0.0.0/0'] } }]
  const wall = { name: 'wall', inbound_rules: inbound, outbound_rules: [], tags: [], droplet_ids: [] }
  const made = (await go('POST /v2/firewalls', 202, wall)).body as never as { firewall: { id: string } }
  keep('firewall', made.firewall.id)
  await go('GET /v2/firewalls', 200)
  await go('GET /v2/firewalls/{firewall}', 200)
  await go('PUT /v2/firewalls/{firewall}', 200, wall)
  await go('POST /v2/firewalls/{firewall}/droplets', 204, { droplet_ids: [id('droplet')] })
  await go('DELETE /v2/firewalls/{firewall}/droplets', 204, { droplet_ids: [id('droplet')] })
  await go('DELETE /v2/firewalls/{firewall}', 204)
  const reserved = (await go('POST /v2/reserved_ips', 202, { region: 'nyc3' })).body as never as {
    reserved_ip: { ip: string }
  }
  keep('ip', reserved.reserved_ip.ip)
  await go('GET /v2/reserved_ips', 200)
  await go('POST /v2/reserved_ips/{ip}/actions', 201, { type: 'assign', droplet_id: id('droplet') })
  await go('POST /v2/reserved_ips/{ip}/actions', 201, { type: 'unassign' })
  await go('DELETE /v2/reserved_ips/{ip}', 204)
}

/** Every route at least once, in an order in which each is allowed. */
export const walk = async (ask: Ask, say: (step: string, came: Came, expected: number) => void): Promise<void> => {
  const walker = makeWalker(ask, say)
  for (const part of [walkCatalog, walkDroplets, walkTags, walkVolumes, walkNetwork]) await part(walker)
  await walker.go('GET /v2/snapshots?resource_type=droplet', 200)
  await walker.go('GET /v2/snapshots/{snapshot}', 200)
  await walker.go('DELETE /v2/snapshots/{snapshot}', 204)
  await walker.go('DELETE /v2/droplets/{droplet}', 204)
  await walker.go('DELETE /v2/droplets?tag_name=web', 204)
  await walker.go('DELETE /v2/account/keys/{key}', 204)
}

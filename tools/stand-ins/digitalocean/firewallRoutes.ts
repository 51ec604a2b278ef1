import { randomUUID } from 'node:crypto'
import { found, Refusal, type Cloud, type Firewall } from './cloud.ts'
import { accepted, nothing, ok, page, route, type Call, type Route } from './route.ts'
import { firewallShape } from './shapes.ts'

type Wanted = {
  name: string
  inbound_rules?: readonly unknown[] | null
  outbound_rules?: readonly unknown[] | null
  droplet_ids?: readonly number[] | null
  tags?: readonly string[] | null
}

/** A rule named twice is one. */
const distinct = (rules: readonly unknown[] | null | undefined): unknown[] => [
  ...new Map((rules ?? []).map(rule => [JSON.stringify(rule), rule])).values(),
]
const fieldsOf = (asked: Wanted) => ({
  name: asked.name,
  inbound: distinct(asked.inbound_rules),
  outbound: distinct(asked.outbound_rules),
  droplets: asked.droplet_ids ?? [],
  tags: asked.tags ?? [],
})
const refuseTaken = (cloud: Cloud, name: string, own: string | null): void => {
  if ([...cloud.firewalls.values()].some(one => one.name === name && one.id !== own))
    throw new Refusal(409, 'conflict', 'duplicate name')
}
const firewall = ({ cloud, params }: Call): Firewall => found(cloud.firewalls, params[0] ?? '')

const create = ({ cloud, body }: Call) => {
  const asked = body as Wanted
  refuseTaken(cloud, asked.name, null)
  const made: Firewall = { id: randomUUID(), ...fieldsOf(asked), createdAt: cloud.clock.now() }
  cloud.firewalls.set(made.id, made)
  return accepted({ firewall: firewallShape(made) })
}
const replace = (call: Call) => {
  const one = firewall(call)
  const asked = call.body as Wanted
  refuseTaken(call.cloud, asked.name, one.id)
  Object.assign(one, fieldsOf(asked))
  return ok({ firewall: firewallShape(one) })
}
const change = (call: Call, fields: (one: Firewall) => Partial<Firewall>) => {
  const one = firewall(call)
  Object.assign(one, fields(one))
  return nothing
}
const ids = ({ body }: Call) => body['droplet_ids'] as readonly number[]

export const firewallRoutes: readonly Route[] = [
  route('GET /v2/firewalls', 'firewalls.list', call =>
    page(call, '/v2/firewalls', 'firewalls', [...call.cloud.firewalls.values()].map(firewallShape)),
  ),
  route('POST /v2/firewalls', 'firewalls.create', create),
  route('GET /v2/firewalls/:', 'firewalls.get', call => ok({ firewall: firewallShape(firewall(call)) })),
  route('PUT /v2/firewalls/:', 'firewalls.replace', replace),
  route('DELETE /v2/firewalls/:', 'firewalls.delete', call => {
    call.cloud.firewalls.delete(firewall(call).id)
    return nothing
  }),
  route('POST /v2/firewalls/:/droplets', 'firewalls.add', call =>
    change(call, one => ({ droplets: [...new Set([...one.droplets, ...ids(call)])] })),
  ),
  route('DELETE /v2/firewalls/:/droplets', 'firewalls.remove', call =>
    change(call, one => ({ droplets: one.droplets.filter(id => !ids(call).includes(id)) })),
  ),
]

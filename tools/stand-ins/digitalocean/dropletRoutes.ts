import { found, notFound, type Action, type Cloud, type Droplet } from './cloud.ts'
import { actOnDroplet, createDroplet, deleteDroplet, type CreateDroplet, type DropletAction } from './droplets.ts'
import { accepted, created, nothing, ok, page, route, type Call, type Route } from './route.ts'
import { actionShape, dropletShape, snapshotImageShape } from './shapes.ts'

const droplet = ({ cloud, params }: Call): Droplet => {
  const one = found(cloud.droplets, Number(params[0]))
  if (one.shownAt > cloud.clock.now()) throw notFound()
  return one
}

/** What a list shows: not yet what was made a moment ago. */
const listed = ({ cloud, query }: Call): Droplet[] => {
  const [tag, name] = [query.get('tag_name'), query.get('name')]
  return [...cloud.droplets.values()]
    .filter(one => one.listedAt <= cloud.clock.now())
    .filter(one => tag === null || [...one.tags].some(own => own.toLowerCase() === tag.toLowerCase()))
    .filter(one => name === null || one.name === name)
}

const link = (cloud: Cloud, base: string, action: Action) => ({
  id: action.id,
  rel: action.type,
  href: `${base}/v2/actions/${action.id}`,
})

const create = ({ cloud, body, base }: Call) => {
  const asked = body as CreateDroplet & { names?: readonly string[] }
  if (asked.names === undefined) {
    const made = createDroplet(cloud, asked)
    return accepted({
      droplet: dropletShape(cloud, made.droplet),
      links: { actions: [link(cloud, base, made.action)] },
    })
  }
  const made = asked.names.map(name => createDroplet(cloud, { ...asked, name }))
  return accepted({
    droplets: made.map(one => dropletShape(cloud, one.droplet)),
    links: { actions: made.map(one => link(cloud, base, one.action)) },
  })
}

const actionsOf = (call: Call): Action[] => {
  const id = Number(call.params[0])
  return [...call.cloud.actions.values()]
    .filter(one => one.resource.type === 'droplet' && one.resource.id === id)
    .toReversed()
}

export const dropletRoutes: readonly Route[] = [
  route('GET /v2/droplets', 'droplets.list', call =>
    page(
      call,
      '/v2/droplets',
      'droplets',
      listed(call).map(one => dropletShape(call.cloud, one)),
    ),
  ),
  route('POST /v2/droplets', 'droplets.create', create),
  route('DELETE /v2/droplets', 'droplets.deleteByTag', call => {
    for (const one of listed(call)) deleteDroplet(call.cloud, one)
    return nothing
  }),
  route('GET /v2/droplets/:', 'droplets.get', call => ok({ droplet: dropletShape(call.cloud, droplet(call)) })),
  route('DELETE /v2/droplets/:', 'droplets.delete', call => {
    deleteDroplet(call.cloud, droplet(call))
    return nothing
  }),
  route('GET /v2/droplets/:/actions', 'droplets.actions', call =>
    page(
      call,
      `/v2/droplets/${call.params[0]}/actions`,
      'actions',
      actionsOf(call).map(one => actionShape(call.cloud, one)),
    ),
  ),
  route('POST /v2/droplets/:/actions', 'droplets.act', call =>
    created({
      action: actionShape(call.cloud, actOnDroplet(call.cloud, droplet(call), call.body as unknown as DropletAction)),
    }),
  ),
  route('GET /v2/droplets/:/actions/:', 'droplets.action', ({ cloud, params }) =>
    ok({ action: actionShape(cloud, found(cloud.actions, Number(params[1]))) }),
  ),
  route('GET /v2/droplets/:/snapshots', 'droplets.snapshots', call =>
    page(
      call,
      `/v2/droplets/${call.params[0]}/snapshots`,
      'snapshots',
      [...call.cloud.snapshots.values()]
        .filter(one => one.of === 'droplet' && one.source === call.params[0])
        .map(snapshotImageShape),
    ),
  ),
  route('GET /v2/actions', 'actions.list', call =>
    page(
      call,
      '/v2/actions',
      'actions',
      [...call.cloud.actions.values()].toReversed().map(one => actionShape(call.cloud, one)),
    ),
  ),
  route('GET /v2/actions/:', 'actions.get', ({ cloud, params }) =>
    ok({ action: actionShape(cloud, found(cloud.actions, Number(params[0]))) }),
  ),
]

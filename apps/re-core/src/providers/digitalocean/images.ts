import { ProviderError, type ImageApi, type Snapshot } from '@re-ops/protocols'
import type { DoAction } from './act.ts'
import { acting, destroying, listing, reading, type DoCall } from './client.ts'
import { numberOf } from './observe.ts'
import { all } from './pages.ts'

type DoSnapshot = {
  readonly id: string | number
  readonly name: string
  readonly created_at: string
  readonly size_gigabytes: number
}

/** An image has its number only when it is done; until then it is known by its machine and its name. */
const pendingRef = (machine: string, name: string): string => `${machine}/${name}`

const ready = (one: DoSnapshot): Snapshot => ({
  ref: String(one.id),
  name: one.name,
  state: 'ready',
  sizeGb: one.size_gigabytes,
  createdAt: new Date(one.created_at).toISOString(),
})
const byNewest = (a: { started_at: string }, b: { started_at: string }) => b.started_at.localeCompare(a.started_at)

/** Done, or under way, or what became of the last try. */
const look = async (call: DoCall, machine: string, name: string, signal: AbortSignal): Promise<Snapshot | null> => {
  const path = `/droplets/${numberOf(machine)}`
  const done = await all<DoSnapshot>(call, reading, { path: `${path}/snapshots`, key: 'snapshots' }, signal)
  const found = done.find(one => one.name === name)
  if (found !== undefined) return ready(found)
  const actions = await all<DoAction>(call, reading, { path: `${path}/actions`, key: 'actions' }, signal)
  const [last] = actions.filter(one => one.type === 'snapshot').toSorted(byNewest)
  if (last === undefined || last.status === 'completed') return null
  const state = last.status === 'errored' ? 'failed' : 'pending'
  return { ref: pendingRef(machine, name), name, state, sizeGb: null, createdAt: last.started_at }
}

const observe = async (call: DoCall, ref: string, signal: AbortSignal): Promise<Snapshot | null> => {
  const [machine = '', name] = ref.split('/')
  try {
    if (name !== undefined) return await look(call, machine, name, signal)
    const { snapshot } = await call(reading, signal, api =>
      api.snapshot.getSnapshot({ snapshot_id: String(numberOf(ref)) }),
    )
    return ready(snapshot)
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'not-found') return null
    throw error
  }
}

/** Images made from droplets. */
export const makeImages = (call: DoCall): ImageApi => ({
  ensure: async ({ name, machine }, signal) => {
    const found = await look(call, machine, name, signal)
    if (found !== null && found.state !== 'failed') return found
    const droplet_id = numberOf(machine)
    await call(acting, signal, api => api.droplet.snapshotDroplet({ droplet_id, name }))
    const ref = pendingRef(machine, name)
    return { ref, name, state: 'pending', sizeGb: null, createdAt: new Date().toISOString() }
  },
  observe: (ref, signal) => observe(call, ref, signal),
  list: async signal => {
    const query = { resource_type: 'droplet' }
    return (await all<DoSnapshot>(call, listing, { path: '/snapshots', key: 'snapshots', query }, signal)).map(ready)
  },
  delete: async (ref, signal) => {
    const one = await observe(call, ref, signal)
    if (one === null || one.state !== 'ready') return
    await call(destroying, signal, api => api.snapshot.deleteSnapshot({ snapshot_id: one.ref }))
  },
})

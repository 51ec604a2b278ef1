import {
  ProviderError,
  type Firewall,
  type FirewallApi,
  type Provider,
  type SystemSpec,
  type Volume,
  type VolumeApi,
} from '@re-ops/protocols'
import { testSpec } from './standard.ts'
import type { World } from './world.ts'

const refuse = (kind: 'busy' | 'invalid' | 'not-found', text: string): never => {
  throw new ProviderError(kind, 'not-applied', text)
}

/** Volumes and firewalls in memory, beside a provider that has none; what is in place outlives the worker. */
export const memoryBeside = (firewallNames: readonly string[]) => {
  const volumes = new Map<string, Volume>()
  const walls: Firewall[] = firewallNames.map(name => ({ ref: `wall-${name}`, name, rules: [] }))
  /** Firewall and machine, for each machine it holds for. */
  const holds = new Set<string>()
  const of = (ref: string): Volume => volumes.get(ref) ?? refuse('not-found', `no volume ${ref}`)
  let made = 0
  const volumeApi: VolumeApi = {
    ensure: async ({ name, sizeGb }) => {
      const known = [...volumes.values()].find(one => one.name === name)
      if (known !== undefined) return known
      const one: Volume = { ref: `volume-${(made += 1)}`, name, sizeGb, zone: null, attachedTo: null }
      volumes.set(one.ref, one)
      return one
    },
    observe: async ref => volumes.get(ref) ?? null,
    list: async () => [...volumes.values()],
    attach: async (ref, machine) => {
      const one = of(ref)
      if (one.attachedTo !== null && one.attachedTo !== machine) refuse('busy', `${ref} is attached`)
      volumes.set(ref, { ...one, attachedTo: machine })
      return { ref, opRef: `attach-${ref}` }
    },
    detach: async ref => (volumes.set(ref, { ...of(ref), attachedTo: null }), { ref }),
    resize: async (ref, sizeGb) => (volumes.set(ref, { ...of(ref), sizeGb }), { ref }),
    delete: async ref => {
      if ((volumes.get(ref)?.attachedTo ?? null) !== null) refuse('busy', `${ref} is attached`)
      volumes.delete(ref)
    },
  }
  const firewallApi: FirewallApi = {
    ensure: async () => refuse('invalid', 'they are given'),
    observe: async ref => walls.find(one => one.ref === ref) ?? null,
    list: async () => walls,
    protect: async (ref, machine) => void holds.add(`${ref} ${machine}`),
    delete: async () => refuse('invalid', 'they are given'),
  }
  const destroy =
    (provider: Provider): Provider['destroy'] =>
    async (ref, plan, signal) => {
      const done = await provider.destroy(ref, plan, signal)
      for (const one of volumes.values()) if (one.attachedTo === ref) volumes.set(one.ref, { ...one, attachedTo: null })
      for (const one of holds) if (one.endsWith(` ${ref}`)) holds.delete(one)
      return done
    }
  return {
    wrap: (provider: Provider): Provider => ({
      ...provider,
      volumes: volumeApi,
      firewalls: firewallApi,
      destroy: destroy(provider),
    }),
    volumes: () => [...volumes.values()],
    holds: () => [...holds],
  }
}
export type MemoryBeside = ReturnType<typeof memoryBeside>

export const besideVolumes = (name: string) => [1, 2].map(n => ({ name: `${name}-disk-${n}`, sizeGb: n }))
/** Two volumes and a firewall beside it. */
export const besideSpec = (name: string): SystemSpec => ({
  ...testSpec(name),
  options: { firewalls: ['web'], volumes: besideVolumes(name) },
})

/** Steps of a life that have to do with what stands beside a machine, by their place in its trace. */
export const besideSteps = (trace: readonly string[]): number[] =>
  trace.flatMap((name, n) => (/^(beside|end-volume)/.test(name) ? [n] : []))

/** Each system's two volumes are there once, at its machine, and the firewall holds for it; nothing else is there. */
export const besideAgrees = async (world: World, beside: MemoryBeside, ids: readonly string[]): Promise<void> => {
  const rows = await Promise.all(ids.map(world.row))
  const wanted = rows.flatMap(({ name, ref }) => besideVolumes(name).map(one => `${one.name} ${ref}`))
  const there = beside.volumes().map(one => `${one.name} ${one.attachedTo}`)
  const known = await world.pool.query<{ name: string }>('select name from core.volume')
  const walls = rows.map(({ ref }) => `wall-web ${ref}`)
  const differ = (what: string, seen: readonly string[], asked: readonly string[]) => {
    const [one, other] = [seen.toSorted().join(', '), asked.toSorted().join(', ')]
    if (one !== other) throw new Error(`${what}: there are ${one}; wanted ${other}`)
  }
  differ('volumes', there, wanted)
  differ('firewalls', beside.holds(), walls)
  if (known.rows.length !== wanted.length) throw new Error(`rows of volumes: ${JSON.stringify(known.rows)}`)
}

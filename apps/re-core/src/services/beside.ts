import { ProviderError, type MachineOptions, type Provider, type SystemSpec, type VmSpec } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { PoolClient } from 'pg'
import { NameError, named } from '../providers/named.ts'
import { claimVolumes } from '../store/beside-volumes.ts'
import type { SystemRow } from '../store/row.ts'
import { bound, told } from './extras.ts'

/** A refusal that says which field of the body it is about. */
const refused = (status: number, kind: string, path: string, detail: string): HttpProblem =>
  new HttpProblem(status, kind, 'What stands beside it does not fit', `/body/options${path} ${detail}`, {
    errors: [{ path: `/body/options${path}`, message: detail }],
  })

/** Keys and firewalls by name, as the provider has them. Throws HttpProblem 422 that names the field and what there is. */
export const namedOptions = async (
  provider: Provider,
  options: MachineOptions,
): Promise<Pick<VmSpec, 'sshKeysOfAccount' | 'firewalls'>> => {
  try {
    return await named(provider, options, bound())
  } catch (error) {
    if (error instanceof NameError) throw refused(422, 'bad-name', error.path, error.message)
    if (error instanceof ProviderError) return told(Promise.reject(error))
    throw error
  }
}

const nameMax = 63
/** What a volume of that system is called that was given no name. */
const nameFor = (system: string, n: number): string => {
  const plain = `${system.toLowerCase().replaceAll(/[^a-z0-9-]/g, '-')}-disk-${n + 1}`
  return /^[a-z]/.test(plain) ? plain : `v-${plain}`
}

/** Each volume by a name of its own: where there are several systems, with the system's number behind it. */
export const withVolumeNames = <T extends Pick<SystemSpec, 'name' | 'options'>>(systems: readonly T[]): T[] => {
  const taken = new Set<string>()
  return systems.map((system, at) => {
    const { volumes } = system.options
    if (volumes === undefined) return system
    const all = volumes.map(({ name: given, sizeGb }, n) => {
      const numbered = given !== undefined && systems.length > 1 ? `${given}-${at + 1}` : given
      const name = numbered ?? nameFor(system.name, n)
      const path = `/volumes/${n}/name`
      if (name.length > nameMax) throw refused(422, 'bad-name', path, `is ${name}; allowed: ${nameMax} characters`)
      if (taken.has(name)) throw refused(422, 'bad-name', path, `is ${name}, and another volume is called that too`)
      taken.add(name)
      return { name, sizeGb }
    })
    return { ...system, options: { ...system.options, volumes: all } }
  })
}

/** Volumes of that name that the provider has already are somebody's. Throws HttpProblem 409. */
export const refuseTakenVolumes = async (
  provider: Provider,
  systems: readonly Pick<SystemSpec, 'options'>[],
): Promise<void> => {
  const wanted = systems.flatMap(({ options }) => options.volumes ?? [])
  if (wanted.length === 0) return
  const there = new Set((await told(provider.volumes?.list(bound()) ?? Promise.resolve([]))).map(one => one.name))
  const taken = wanted.find(({ name = '' }) => there.has(name))
  if (taken !== undefined) throw volumeTaken(taken.name ?? '')
}

const volumeTaken = (name: string): HttpProblem =>
  refused(
    409,
    'name-taken',
    '/volumes',
    `there is a volume ${name} already; \`reops volumes attach\` takes one that is there`,
  )

/** Its volumes' names are written down with the system, so nobody else gets them. Throws HttpProblem 409. */
export const keepVolumeNames = async (tx: PoolClient, row: SystemRow): Promise<void> => {
  const taken = await claimVolumes(tx, row, row.options.volumes ?? [])
  if (taken !== null) throw volumeTaken(taken)
}

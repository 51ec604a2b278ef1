import type { Identity, ObservedVm } from '@re-ops/protocols'

/** Tags by which a machine says whose it is, where a provider has tags of key and value. */
export const markKeys = {
  installation: 'recore:installation',
  vmId: 'recore:vm',
  generation: 'recore:gen',
  candidate: 'recore:candidate',
  expiresAt: 'recore:expires',
} as const

export const marksOf = (identity: Identity, expiresAt?: string): Record<string, string> => ({
  [markKeys.installation]: identity.installation,
  [markKeys.vmId]: identity.vmId,
  [markKeys.generation]: String(identity.generation),
  [markKeys.candidate]: String(identity.candidate),
  ...(expiresAt === undefined ? {} : { [markKeys.expiresAt]: expiresAt }),
})

/** What takes all our marks off. */
export const noMarks: Readonly<Record<string, null>> = Object.fromEntries(
  Object.values(markKeys).map(key => [key, null]),
)

/** Null unless all four are there: a machine that is half marked is nobody's to judge. */
export const ownerOf = (tags: Readonly<Record<string, string>>): ObservedVm['owner'] | null => {
  const { installation, vmId, generation, candidate } = markKeys
  const found = [tags[installation], tags[vmId], tags[generation], tags[candidate]]
  if (found.some(one => one === undefined || one === '')) return null
  return {
    installation: tags[installation] ?? '',
    vmId: tags[vmId] ?? '',
    generation: Number(tags[generation]),
    candidate: Number(tags[candidate]),
  }
}

const prefix = 'recore:'
/** The person's tags. */
export const withoutMarks = (tags: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith(prefix)))

/** Whether the machine was made for this life of this system. */
export const isOf = (vm: ObservedVm, identity: Identity): boolean =>
  vm.owner !== undefined &&
  vm.owner.installation === identity.installation &&
  vm.owner.vmId === identity.vmId &&
  vm.owner.generation === identity.generation &&
  vm.owner.candidate === identity.candidate

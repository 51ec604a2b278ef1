import type { Identity, ObservedVm } from '@re-ops/protocols'
import { element, find, parseXml, writeXml, XmlError } from '@re-ops/node-libvirt/xml'

/** Of what stands in a machine's <metadata>. */
export const marksNamespace = 'urn:re-ops:system:1'
export const marksPrefix = 'reops'

/** What a machine says of itself, kept by libvirt with its definition. */
export type Marks = {
  readonly owner: NonNullable<ObservedVm['owner']>
  /** Of the request it was made by. */
  readonly digest: string
  readonly createdAt: string
  readonly size: string
  readonly image: string
  readonly protected: boolean
  readonly expiresAt: string | null
  readonly tags: Readonly<Record<string, string>>
}

export const ownerOf = ({ installation, vmId, generation, candidate }: Identity): Marks['owner'] => ({
  installation,
  vmId,
  generation,
  candidate,
})

/** With the namespace's declaration: as a part of a definition, or for setting it alone. */
export const marksElement = ({ owner, tags, expiresAt, protected: isProtected, ...rest }: Marks, prefix: string) =>
  element(
    `${prefix}system`,
    {
      [prefix === '' ? 'xmlns' : `xmlns:${prefix.slice(0, -1)}`]: marksNamespace,
      ...owner,
      ...rest,
      protected: isProtected ? 'yes' : 'no',
      expiresAt: expiresAt ?? undefined,
    },
    ...Object.entries(tags).map(([name, value]) => element(`${prefix}tag`, { name, value })),
  )
export const writeMarks = (marks: Marks): string => writeXml(marksElement(marks, ''))

/** Null when it says nothing that can be read: then the machine is nobody's to judge. */
export const readMarks = (xml: string): Marks | null => {
  try {
    const root = parseXml(xml)
    const { installation, vmId, generation, candidate, digest, createdAt, size, image, ...rest } = root.attributes
    if (!installation || !vmId || !generation || !candidate || !digest || !createdAt) return null
    const tags = find(root, 'tag').map(one => [one.attributes['name'] ?? '', one.attributes['value'] ?? ''] as const)
    return {
      owner: { installation, vmId, generation: Number(generation), candidate: Number(candidate) },
      digest,
      createdAt,
      size: size ?? '',
      image: image ?? '',
      protected: rest['protected'] === 'yes',
      expiresAt: rest['expiresAt'] ?? null,
      tags: Object.fromEntries(tags),
    }
  } catch (error) {
    if (error instanceof XmlError) return null
    throw error
  }
}

import { element, parseXml, writeXml } from '@re-ops/node-libvirt/xml'
import { kvmDriver, marksNamespace, readMarks, writeMarks, type Marks } from '@re-ops/re-core/testing'
import { clear, openQemuTarget, openTestTarget, type KvmTarget } from '../kvm-target.ts'
import { quickCaps, type Hand } from './hand.ts'

const sizes = { small: { cores: 1, memoryMb: 64 }, larger: { cores: 2, memoryMb: 96 } }
type SizeName = keyof typeof sizes

/** As re-core marks its own, of another installation. */
const marksOf = (tags: Readonly<Record<string, string>>): Marks | null => {
  const { 'recore:installation': installation, 'recore:vm': vmId } = tags
  if (installation === undefined || vmId === undefined) return null
  const owner = { installation, vmId, generation: 1, candidate: 0 }
  const rest = { digest: 'x', createdAt: new Date(0).toISOString(), size: 'small', image: '', expiresAt: null }
  return { owner, ...rest, protected: false, tags: {} }
}

const definition = (type: string, name: string, size: SizeName): string =>
  writeXml(
    element(
      'domain',
      { type },
      element('name', {}, name),
      element('memory', { unit: 'MiB' }, sizes[size].memoryMb),
      element('vcpu', {}, sizes[size].cores),
      element('os', {}, element('type', {}, 'hvm')),
    ),
  )

/** `paused`: processors of guests stand still, and such a one counts as running. */
type How = { readonly letter: string; readonly domainType: string; readonly paused: boolean }

/** A libvirt of its own, as somebody has it who types `virsh`. */
const handOf = (kvm: KvmTarget, { letter, domainType, paused }: How): Hand => {
  const { domains } = kvm.libvirt
  const how = { uri: marksNamespace, key: 'reops', config: true, live: true }
  const dom = (ref: string) => domains.byUuid(ref)
  const marksAt = async (ref: string): Promise<Marks | null> => {
    const xml = await domains
      .metadata(await dom(ref), 'element', { uri: marksNamespace, of: 'config' })
      .catch(() => null)
    return xml === null ? null : readMarks(xml)
  }
  return {
    letter,
    account: {
      name: 'box',
      driver: kvmDriver({ now: Date.now, caps: quickCaps, paused }),
      region: 'here',
      settings: kvm.settings,
      secret: null,
    },
    size: 'small',
    image: 'blank',
    largerSize: 'larger',
    make: async (name, tags) => {
      const made = await domains.define(definition(domainType, name, 'small'))
      await domains.create(made, { paused })
      const marks = marksOf(tags)
      if (marks !== null) await domains.setMetadata(made, 'element', writeMarks(marks), how)
      return made.uuid
    },
    powerOff: async ref => domains.destroy(await dom(ref)),
    resize: async (ref, size) => {
      const one = await dom(ref)
      const { cores, memoryMb } = sizes[size as SizeName]
      const xml = parseXml(await domains.xml(one, { inactive: true, secure: true }))
      const by: Record<string, ReturnType<typeof element>> = {
        memory: element('memory', { unit: 'MiB' }, memoryMb),
        currentMemory: element('currentMemory', { unit: 'MiB' }, memoryMb),
        vcpu: element('vcpu', {}, cores),
      }
      const children = xml.children.map(child => (typeof child === 'string' ? child : (by[child.name] ?? child)))
      await domains.destroy(one)
      await domains.define(writeXml({ ...xml, children }))
      await domains.create(one, { paused })
    },
    tag: async (ref, key, value) => {
      const marks = await marksAt(ref)
      if (marks === null) throw new Error(`${ref} has no marks to change`)
      const changed = { ...marks, tags: { ...marks.tags, [key]: value } }
      await domains.setMetadata(await dom(ref), 'element', writeMarks(changed), how)
    },
    remove: async ref => {
      const one = await dom(ref)
      await domains.destroy(one).catch(() => undefined) // it may be off
      await domains.undefine(one)
    },
    look: async ref => {
      const one = (await domains.list()).find(({ uuid }) => uuid === ref)
      if (one === undefined) return null
      const { state, vcpus } = await domains.info(one)
      const marks = await marksAt(ref)
      const owner =
        marks === null ? {} : { 'recore:vm': marks.owner.vmId, 'recore:installation': marks.owner.installation }
      const power = state === 'shutoff' ? 'stopped' : paused && state === 'paused' ? 'running' : state
      return { power, size: vcpus === 2 ? 'larger' : 'small', tags: { ...marks?.tags, ...owner } }
    },
    stop: async () => {
      // QEMU's guests outlive their daemon.
      await clear(kvm)
      await kvm.libvirt.close()
      await kvm.daemon.stop()
    },
  }
}

/** libvirt's test driver. */
export const openTestDriver = async (): Promise<Hand> =>
  handOf(await openTestTarget(), { letter: 'T', domainType: 'test', paused: false })

/** Real QEMU. */
export const openQemu = async (): Promise<Hand> =>
  handOf(await openQemuTarget(), { letter: 'K', domainType: 'qemu', paused: true })

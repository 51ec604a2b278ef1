import { describe, expect, test } from '@jest/globals'
import { LibvirtError, LinkError } from '@re-ops/node-libvirt'
import { find, parseXml, textOf } from '@re-ops/node-libvirt/xml'
import { newId, type VmSpec } from '@re-ops/protocols'
import { identityOf } from '../identity.ts'
import { classifyKvm } from './errors.ts'
import { makeIso } from './iso.ts'
import { diskXml, machineXml, volumeNames } from './machine-xml.ts'
import { marksElement, readMarks, writeMarks, type Marks } from './marks.ts'
import { digestOf, planCreate, type KvmRequest } from './plan.ts'
import { seedImage } from './seed.ts'
import { uriOf } from './settings.ts'

const identity = identityOf(newId(), newId(), 2, 0)
const settings = { images: { debian: { path: '/images/debian.qcow2' } }, network: 'user' }
const callHome = { url: 'http://mote', token: 'canary-token', name: 'web-1', labels: {} }
const spec: VmSpec = { name: 'web-1', type: 'web', size: 'small', image: 'debian', callHome }
const marks: Marks = {
  owner: { installation: identity.installation, vmId: identity.vmId, generation: 2, candidate: 0 },
  digest: 'd',
  createdAt: '2026-01-01T00:00:00.000Z',
  size: 'small',
  image: 'debian',
  protected: true,
  expiresAt: null,
  tags: { note: 'größer <&> "東京"', 'a b': '' },
}

describe('a plan', () => {
  test('holds all that the machine is made of, and its digest names it', () => {
    const request = planCreate(settings, spec, identity)
    expect(request.body).toMatchObject({ name: 'web-1', size: { name: 'small', cores: 1 }, pool: 'default' })
    expect((request.body as KvmRequest).userData).toContain('canary-token')
    expect(digestOf(request)).toBe(digestOf(JSON.parse(JSON.stringify(request)) as typeof request))
    expect(digestOf(request)).not.toBe(digestOf(planCreate(settings, { ...spec, name: 'web-2' }, identity)))
  })

  test.each<[Partial<VmSpec>, string]>([
    [{ size: 'huge' }, 'size is huge; allowed of this account: small, medium, large'],
    [{ image: 'x' }, 'image is x; allowed of this account: debian'],
    [{ image: 'toString' }, 'image is toString; allowed of this account: debian'],
    [{ market: 'spot' }, 'market is spot; allowed of provider kvm: on-demand'],
    [{ zones: ['a'] }, 'provider kvm has none'],
    [{ userData: 'x'.repeat(2_000_000) }, 'allowed of provider kvm: 1048576'],
    [{ tags: { a: 'x'.repeat(2_000) } }, 'tag a is too long'],
  ])('%#: is refused, saying what is allowed', (more, why) => {
    expect(() => planCreate(settings, { ...spec, ...more }, identity)).toThrow(why)
  })

  test('is of the region that is asked for', () => {
    expect(uriOf({}, 'here')).toBe('qemu:///system')
    expect(uriOf({ uris: { a: 'qemu+ssh://a/system' } }, 'a')).toBe('qemu+ssh://a/system')
    expect(() => uriOf({ uris: { a: 'x' } }, 'b')).toThrow('region is b; allowed of this account: a')
  })
})

describe('the definition', () => {
  const request = planCreate(settings, { ...spec, tags: marks.tags }, identity)
  const machine = parseXml(machineXml(request.body as KvmRequest, identity, marks, 'qemu'))

  test('says whose the machine is, and the secret of its request does not stand in it', () => {
    const [system] = find(machine, 'metadata', 'reops:system')
    expect(system?.attributes).toMatchObject({
      'xmlns:reops': 'urn:re-ops:system:1',
      vmId: identity.vmId,
      generation: '2',
    })
    expect(JSON.stringify(machine)).not.toContain('canary')
  })

  test('has a free port for each volume it is asked for with, behind the root that ports hang on', () => {
    const { body } = planCreate(settings, { ...spec, volumes: 2 }, identity)
    const xml = parseXml(machineXml(body as KvmRequest, identity, marks, 'qemu'))
    const [root, ...ports] = find(xml, 'devices', 'controller').map(one => one.attributes['model'])
    expect([root, new Set(ports)]).toEqual(['pcie-root', new Set(['pcie-root-port'])])
    // Seven are taken by what every machine has, and libvirt leaves one free of itself.
    expect(ports).toHaveLength(7 + 2 + 1)
    expect(find(machine, 'devices', 'controller')).toEqual([])
  })

  test('names disks, address and UUID by the identity alone', () => {
    const { disk, seed } = volumeNames(identity.uuid)
    const sources = find(machine, 'devices', 'disk', 'source').map(one => one.attributes['volume'])
    expect(sources).toEqual([disk, seed])
    expect(find(machine, 'uuid').map(textOf)).toEqual([identity.uuid])
    expect(find(machine, 'devices', 'interface', 'mac')[0]?.attributes['address']).toMatch(
      /^52:54:00(:[0-9a-f]{2}){3}$/,
    )
    expect(diskXml(request.body as KvmRequest, disk)).toContain('<path>/images/debian.qcow2</path>')
  })

  test('marks come back as they were, with and without a prefix', () => {
    expect(readMarks(writeMarks(marks))).toEqual(marks)
    expect(readMarks(writeMarks({ ...marks, expiresAt: '2026-02-01T00:00:00Z', tags: {} }))?.expiresAt).not.toBeNull()
    expect(marksElement(marks, 'reops:').name).toBe('reops:system')
    for (const odd of ['<system/>', 'nonsense', '<a><b></a>']) expect(readMarks(odd)).toBeNull()
  })
})

describe('the seed', () => {
  const image = seedImage({ uuid: identity.uuid, hostname: 'web-1', userData: '#cloud-config\n{"a":1}\n' })
  const sector = (n: number) => image.subarray(n * 2_048, (n + 1) * 2_048)
  /** Names and contents of the folder at that sector. */
  const files = (n: number) => {
    const found: [Buffer, string][] = []
    for (let at = 0, folder = sector(n); folder[at] !== 0; at += folder[at] ?? 0) {
      const [from, size] = [folder.readUInt32LE(at + 2), folder.readUInt32LE(at + 10)]
      const name = folder.subarray(at + 33, at + 33 + (folder[at + 32] ?? 0))
      found.push([name, image.subarray(from * 2_048, from * 2_048 + size).toString()])
    }
    return found.slice(2)
  }

  test('is an ISO 9660 image with the label that cloud-init looks for', () => {
    expect(image.length % 2_048).toBe(0)
    for (const [n, type] of [
      [16, 1],
      [17, 2],
      [18, 255],
    ] as const)
      expect([sector(n)[0], sector(n).toString('latin1', 1, 6)]).toEqual([type, 'CD001'])
    expect(sector(16).toString('latin1', 40, 72).trim()).toBe('cidata')
    expect(sector(16).readUInt32LE(80)).toBe(image.length / 2_048)
  })

  test('holds the two files, under strict names and under their own', () => {
    const strict = files(23).map(([name, text]) => [name.toString(), text])
    const joliet = files(24).map(([name, text]) => [Buffer.from(name).swap16().toString('utf16le'), text])
    expect(joliet.map(([name]) => name)).toEqual(['meta-data', 'user-data'])
    expect(strict.map(([name]) => name)).toEqual(['META_DATA.;1', 'USER_DATA.;1'])
    expect(joliet.map(([, text]) => text)).toEqual(strict.map(([, text]) => text))
    expect(JSON.parse(joliet[0]?.[1] ?? '')).toEqual({ 'instance-id': identity.uuid, 'local-hostname': 'web-1' })
    expect(joliet[1]?.[1]).toBe('#cloud-config\n{"a":1}\n')
  })

  test('is the same image each time', () => {
    const again = makeIso('x', [{ name: 'a', bytes: Buffer.alloc(5_000, 1) }])
    expect(makeIso('x', [{ name: 'a', bytes: Buffer.alloc(5_000, 1) }]).equals(again)).toBe(true)
  })
})

describe('errors', () => {
  test.each([
    [new LibvirtError(42, 10, 'no domain'), 'not-found', 'not-applied'],
    [new LibvirtError(55, 10, 'domain is running'), 'busy', 'not-applied'],
    [new LibvirtError(38, 18, 'No space left on device'), 'capacity', 'not-applied'],
    [new LibvirtError(1, 10, 'cannot set up guest memory: Cannot allocate memory'), 'capacity', 'not-applied'],
    [new LibvirtError(88, 10, 'access denied'), 'denied', 'not-applied'],
    [new LibvirtError(9, 10, 'it failed in the middle'), 'transient', 'unknown'],
    [new LinkError('refused', false, 'ENOENT'), 'transient', 'not-applied'],
    [new LinkError('lost', true, 'closed'), 'transient', 'unknown'],
    [new TypeError('x'), 'bug', 'unknown'],
  ])('%s: %s, %s', (error, kind, outcome) => {
    expect(classifyKvm(error, true)).toMatchObject({ kind, outcome })
    expect(classifyKvm(error, false)).toMatchObject({ kind, outcome: 'not-applied' })
  })
})

import { createHash } from 'node:crypto'
import type { Identity } from '@re-ops/protocols'
import { element, writeXml, type Element } from '@re-ops/node-libvirt/xml'
import { marksElement, marksPrefix, type Marks } from './marks.ts'
import type { KvmRequest } from './plan.ts'

/** Volumes of a machine, by names that follow from its identity. */
export const volumeNames = (uuid: string) => ({ disk: `re-ops-${uuid}.qcow2`, seed: `re-ops-${uuid}-seed.iso` })

/** Within libvirt's own prefix, and the same each time it is asked for. */
const macOf = (uuid: string): string =>
  ['52', '54', '00', ...createHash('sha256').update(uuid).digest('hex').slice(0, 6).match(/../g)!].join(':')

const disk = (pool: string, volume: string, target: string, format: 'qcow2' | 'raw'): Element =>
  element(
    'disk',
    { type: 'volume', device: 'disk' },
    element('driver', { name: 'qemu', type: format }),
    element('source', { pool, volume }),
    element('target', { dev: target, bus: 'virtio' }),
    format === 'raw' ? element('readonly') : null,
  )

const nic = (network: string, uuid: string): Element =>
  element(
    'interface',
    { type: network === 'user' ? 'user' : 'network' },
    element('mac', { address: macOf(uuid) }),
    network === 'user' ? null : element('source', { network }),
    element('model', { type: 'virtio' }),
    // It boots from its disk: the firmware need not look for one on the network.
    element('rom', { enabled: 'no' }),
  )

/** What takes a port by itself: disk, seed, network, random numbers, serial line, memory balloon, USB. */
const ownPorts = 7
/** Where so many disks can be plugged in while it runs, and one more: as many as libvirt leaves by itself. */
const slots = (count: number): Element[] => {
  if (count === 0) return []
  const controller = (index: number, model: string) => element('controller', { type: 'pci', index, model })
  const ports = Array.from({ length: ownPorts + count + 1 }, (_, n) => controller(n + 1, 'pcie-root-port'))
  // Who names ports names what they hang on as well: the first of them would be taken for it.
  return [controller(0, 'pcie-root'), ...ports]
}

const boots = ({ kernel, initrd, cmdline }: KvmRequest['image']): Element[] =>
  kernel === undefined
    ? [element('boot', { dev: 'hd' })]
    : [
        element('kernel', {}, kernel),
        ...(initrd === undefined ? [] : [element('initrd', {}, initrd)]),
        ...(cmdline === undefined ? [] : [element('cmdline', {}, cmdline)]),
      ]

/** What an emulated CPU has and is slow at: copying by single bytes, page tables of five levels. Guests do without. */
const slow = ['erms', 'fsrm', 'la57']
const cpu = (type: string): Element | null => {
  if (type === 'test') return null
  if (type === 'kvm') return element('cpu', { mode: 'host-passthrough' })
  return element('cpu', { mode: 'maximum' }, ...slow.map(name => element('feature', { policy: 'disable', name })))
}

/** What libvirt is told of the machine. `type`: kvm, qemu, or test on libvirt's test driver. */
export const machineXml = (request: KvmRequest, { uuid }: Identity, marks: Marks, type: string): string => {
  const { name, size, image, pool, network } = request
  const volumes = volumeNames(uuid)
  const memory = element('memory', { unit: 'MiB' }, size.memoryMb)
  return writeXml(
    element(
      'domain',
      { type },
      element('name', {}, name),
      element('uuid', {}, uuid),
      element('metadata', {}, marksElement(marks, `${marksPrefix}:`)),
      memory,
      element('vcpu', {}, size.cores),
      element(
        'os',
        {},
        element('type', type === 'test' ? {} : { arch: 'x86_64', machine: 'q35' }, 'hvm'),
        ...boots(image),
      ),
      element('features', {}, element('acpi'), element('apic')),
      cpu(type),
      element('on_poweroff', {}, 'destroy'),
      element('on_reboot', {}, 'restart'),
      element('on_crash', {}, 'destroy'),
      element(
        'devices',
        {},
        disk(pool, volumes.disk, 'vda', 'qcow2'),
        disk(pool, volumes.seed, 'vdb', 'raw'),
        nic(network, uuid),
        ...(type === 'test' ? [] : slots(request.volumes ?? 0)),
        element('serial', { type: 'pty' }, element('target', { port: 0 })),
        element('console', { type: 'pty' }, element('target', { type: 'serial', port: 0 })),
        element('rng', { model: 'virtio' }, element('backend', { model: 'random' }, '/dev/urandom')),
        element('channel', { type: 'unix' }, element('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' })),
      ),
    ),
  )
}

/** A disk over the image: only what the machine changes is in it. */
export const diskXml = ({ image, size }: KvmRequest, name: string): string =>
  writeXml(
    element(
      'volume',
      {},
      element('name', {}, name),
      element('capacity', { unit: 'GiB' }, size.diskGb),
      element('target', {}, element('format', { type: 'qcow2' }), element('compat', {}, '1.1')),
      element(
        'backingStore',
        {},
        element('path', {}, image.path),
        element('format', { type: image.format ?? 'qcow2' }),
      ),
    ),
  )

export const seedXml = (name: string, bytes: number): string =>
  writeXml(
    element(
      'volume',
      {},
      element('name', {}, name),
      element('capacity', { unit: 'bytes' }, bytes),
      element(
        'target',
        {},
        element('format', { type: 'raw' }),
        element('permissions', {}, element('mode', {}, '0600')),
      ),
    ),
  )

import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { randomBytes, randomUUID } from 'node:crypto'
import { dirname, join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { LibvirtError, open, type Libvirt } from './index.ts'
import { startPrivateDaemon, type PrivateDaemon } from './testing/index.ts'

let daemon: PrivateDaemon
let libvirt: Libvirt
beforeAll(async () => {
  daemon = await startPrivateDaemon()
  libvirt = await daemon.connect('test:///default')
})
afterAll(async () => {
  await libvirt.close()
  await daemon.stop()
})

const namespace = 'https://example.org/test'
const machine = (
  name: string,
  uuid: string = randomUUID(),
) => `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid>
  <metadata><t:owner xmlns:t='${namespace}' id='7'/></metadata>
  <memory unit='KiB'>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>`

describe('on test:///default', () => {
  test('a machine lives from define to undefine, and its events tell so in order', async () => {
    const { domains, events } = libvirt
    const seen = events.subscribe(['lifecycle'])
    await seen.ready
    const uuid = randomUUID()
    const dom = await domains.define(machine('life', uuid))
    expect(dom).toMatchObject({ name: 'life', uuid, id: -1 })
    expect((await domains.create(dom)).id).toBeGreaterThan(0)
    expect(await domains.info(dom)).toMatchObject({ state: 'running', memoryKiB: 65_536, vcpus: 1 })
    await domains.suspend(dom)
    expect((await domains.state(dom)).state).toBe('paused')
    await domains.resume(dom)
    await domains.reboot(dom)
    await domains.shutdown(dom)
    await domains.undefine(dom)
    await expect(domains.byUuid(uuid)).rejects.toMatchObject({ reason: 'no-domain' })
    const words: string[] = []
    for await (const event of seen) {
      if (event.kind === 'lifecycle' && event.dom.uuid === uuid) words.push(event.what)
      if (words.at(-1) === 'undefined') break
    }
    expect(words.slice(0, 2)).toEqual(['defined', 'started'])
    expect(words).toEqual(expect.arrayContaining(['suspended', 'resumed', 'stopped']))
  })

  test('metadata, memory, CPUs, addresses, statistics and XML', async () => {
    const { domains } = libvirt
    const dom = await domains.define(machine('data'))
    expect(await domains.metadata(dom, 'element', { uri: namespace })).toContain('id="7"')
    await expect(domains.metadata(dom, 'title')).rejects.toMatchObject({ reason: 'no-metadata' })
    await domains.setMetadata(dom, 'title', 'one & two')
    expect(await domains.metadata(dom, 'title')).toBe('one & two')
    await domains.setMetadata(dom, 'title', null)
    await expect(domains.metadata(dom, 'title')).rejects.toBeInstanceOf(LibvirtError)
    await domains.setMemory(dom, 32_768, { config: true })
    await domains.setVcpus(dom, 4, { config: true, maximum: true })
    expect(await domains.vcpus(dom, { config: true, maximum: true })).toBe(4)
    expect(await domains.xml(dom)).toContain("<currentMemory unit='KiB'>32768</currentMemory>")
    await domains.setAutostart(dom, true)
    expect(await domains.autostart(dom)).toBe(true)
    const first = await domains.byName('test')
    expect((await domains.addresses(first, 'lease'))[0]?.addresses[0]).toMatchObject({ family: 'ipv4', prefix: 24 })
    const stats = await domains.stats([first], { state: true })
    expect(stats.map(one => [one.domain.name, one.values.get('state.state')])).toEqual([['test', 1]])
    const names = async (o: { active?: boolean; inactive?: boolean }) => (await domains.list(o)).map(one => one.name)
    expect(await names({ inactive: true })).toContain('data')
    expect(await names({ active: true })).not.toContain('data')
    await domains.undefine(dom)
  })

  test('managed save and snapshots', async () => {
    const { domains, snapshots } = libvirt
    const dom = await domains.define(machine('saved'))
    await domains.create(dom)
    const snap = await snapshots.create(dom, '<domainsnapshot><name>before</name></domainsnapshot>')
    expect((await snapshots.list(dom)).map(one => one.name)).toEqual(['before'])
    expect((await snapshots.current(dom))?.name).toBe('before')
    await domains.destroy(dom)
    await snapshots.revert(snap)
    expect((await domains.state(dom)).state).toBe('running')
    await snapshots.delete(snap)
    await expect(snapshots.byName(dom, 'before')).rejects.toMatchObject({ reason: 'no-snapshot' })
    expect(await snapshots.current(dom)).toBeNull()
    await domains.managedSave(dom)
    expect(await domains.hasManagedSave(dom)).toBe(true)
    await domains.undefine(dom, { managedSave: true })
  })

  test('networks, and what the host is', async () => {
    const { networks, node } = libvirt
    const net = await networks.define("<network><name>n1</name><bridge name='br9'/><ip address='10.9.9.1'/></network>")
    await networks.create(net)
    expect([await networks.isActive(net), await networks.bridge(net)]).toEqual([true, 'br9'])
    await networks.destroy(net)
    await networks.undefine(net)
    await expect(networks.byName('n1')).rejects.toMatchObject({ reason: 'no-network' })
    expect(await node.type()).toBe('TEST')
    expect(await node.capabilities()).toContain('<capabilities>')
    expect(await node.libVersion()).toMatch(/^\d+\.\d+\.\d+$/)
    expect(await node.info()).toMatchObject({ model: 'i686', memoryKiB: 3_145_728 })
  })

  test('a thousand calls at once are all answered', async () => {
    const dom = await libvirt.domains.byName('test')
    const states = await Promise.all(Array.from({ length: 1_000 }, () => libvirt.domains.state(dom)))
    expect(new Set(states.map(one => one.state))).toEqual(new Set(['running']))
  })

  test('a client that only reads cannot change anything', async () => {
    const reader = await daemon.connect('test:///default', { readOnly: true })
    const dom = await reader.domains.byName('test')
    await expect(reader.domains.destroy(dom)).rejects.toMatchObject({ reason: 'operation-denied' })
    await reader.close()
  })

  test('a libvirtd that refuses says why', async () => {
    await expect(daemon.connect('nonsense:///x')).rejects.toMatchObject({ name: 'LibvirtError', reason: 'no-connect' })
    await expect(open('test:///default?socket=/nowhere')).rejects.toMatchObject({ reason: 'refused', sent: false })
  })
})

describe('volumes', () => {
  let storage: Libvirt
  const pool = async () => {
    const made = await storage.pools.define(
      `<pool type='dir'><name>${randomUUID()}</name><target><path>${daemon.folder}/pool</path></target></pool>`,
    )
    await storage.pools.build(made)
    await storage.pools.create(made)
    return made
  }
  beforeAll(async () => {
    storage = await daemon.connect('storage:///session')
  })
  afterAll(() => storage.close())

  test('hold what was uploaded; clones hold it too', async () => {
    const { volumes, pools } = storage
    const within = await pool()
    const xml = (name: string) => `<volume><name>${name}</name><capacity>3000000</capacity></volume>`
    const vol = await volumes.create(within, xml('a'))
    const bytes = randomBytes(3_000_000)
    const up = await volumes.upload(vol)
    await pipeline([bytes.subarray(0, 1_000_000), bytes.subarray(1_000_000)], up)
    const clone = await volumes.clone(within, xml('b'), vol)
    const read: Buffer[] = []
    for await (const part of await volumes.download(clone)) read.push(part as Buffer)
    expect(Buffer.concat(read).equals(bytes)).toBe(true)
    const some: Buffer[] = []
    for await (const part of await volumes.download(vol, { offset: 10, length: 20 })) some.push(part as Buffer)
    expect(Buffer.concat(some)).toEqual(bytes.subarray(10, 30))
    await volumes.resize(vol, 4_000_000)
    expect(await volumes.info(vol)).toMatchObject({ type: 'file', capacityBytes: 4_000_000 })
    expect((await volumes.list(within)).map(one => one.name).toSorted()).toEqual(['a', 'b'])
    await expect(volumes.create(within, xml('a'))).rejects.toMatchObject({ reason: 'volume-exists' })
    // A reader that leaves in the middle disturbs nobody.
    for await (const _ of await volumes.download(vol)) break
    for (const one of [vol, clone]) await volumes.delete(one)
    await expect(volumes.byName(within, 'a')).rejects.toMatchObject({ reason: 'no-volume' })
    await pools.destroy(within)
    expect((await pools.info(within)).state).toBe('inactive')
    await pools.undefine(within)
  })

  test('over ssh: a real ssh, sshd and virt-ssh-helper', async () => {
    const own = await openOverSsh(daemon)
    expect(await own.node.type()).toBe('storage')
    await own.close()
  })
})

/** An sshd of inetd's kind, without a port, that answers as the user whose libvirtd it is. */
const openOverSsh = async ({ folder, socket }: PrivateDaemon): Promise<Libvirt> => {
  const at = (name: string) => join(folder, name)
  for (const name of ['host', 'id']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)])
  const runtime = dirname(dirname(socket))
  const drop = process.getuid?.() === 0 ? 'setpriv --reuid=65534 --regid=65534 --clear-groups' : ''
  await writeFile(
    at('forced'),
    `#!/bin/sh\nexec ${drop} env XDG_RUNTIME_DIR=${runtime} sh -c "$SSH_ORIGINAL_COMMAND"\n`,
  )
  await writeFile(
    at('sshd'),
    [
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('id.pub')}`,
      'StrictModes no',
      `ForceCommand ${at('forced')}`,
    ].join('\n'),
  )
  const client = [`-i ${at('id')}`, '-F /dev/null', '-o StrictHostKeyChecking=no', '-o UserKnownHostsFile=/dev/null']
  await writeFile(
    at('ssh'),
    `#!/bin/sh\nexec ssh ${client.join(' ')} -o 'ProxyCommand=/usr/sbin/sshd -i -f ${at('sshd')}' "$@"\n`,
  )
  await mkdir('/run/sshd', { recursive: true }).catch(() => undefined) // root's sshd wants it
  for (const name of ['forced', 'ssh']) await chmod(at(name), 0o755)
  return open(`storage+ssh://box/session?command=${encodeURIComponent(at('ssh'))}`)
}

describe('a libvirtd that dies', () => {
  test('fails calls until it is there again; then they go on, and events are asked for anew', async () => {
    const own = await startPrivateDaemon()
    const client = await own.connect('test:///default', { backOffMs: { first: 10, last: 50 } })
    const events = client.events.subscribe(['lifecycle'])
    await events.ready
    await own.kill()
    await expect(client.node.type()).rejects.toMatchObject({ name: 'LinkError' })
    await own.start()
    const seen: unknown[] = []
    for await (const event of events) {
      seen.push(event.kind === 'lifecycle' ? event.what : event)
      if (event.kind === 'gap') await client.domains.destroy(await client.domains.byName('test'))
      if (event.kind === 'lifecycle') break
    }
    expect(seen).toEqual([{ kind: 'gap', reason: 'reconnected' }, 'stopped'])
    await client.close()
    await own.stop()
  })
})

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { clear, disksOf, openQemuTarget, type KvmTarget } from '../provider-conformance/testing/kvm-target.ts'
import { findIn } from './canary/forms.ts'
import { canaries, openCanaryStage, type CanaryStage } from './canary/stage.ts'
import { systemBody } from './canary/verbs.ts'
import { inBatches } from './testing.ts'

const missing = spawnSync('qemu-system-x86_64', ['--version']).status === 0 ? null : 'there is no qemu-system-x86_64'
const describeHere = missing === null ? describe : describe.skip
const minute = 60_000
const keyFile = 'canary-of-the-content-of-an-ssh-key-Lk3vBn'

describeHere(`secrets of machines on libvirt${missing === null ? '' : ` (${missing})`}`, () => {
  let stage: CanaryStage
  let kvm: KvmTarget
  let enrolment = ''
  beforeAll(async () => {
    ;[kvm, stage] = await Promise.all([openQemuTarget(), openCanaryStage()])
    await stage.start()
  }, 2 * minute)
  afterAll(async () => {
    await stage?.stop()
    if (kvm === undefined) return
    await clear(kvm)
    await kvm.libvirt.close()
    await kvm.daemon.stop()
  }, minute)

  const account = (settings: object) =>
    stage.ask('PUT', '/v1/accounts/lab', { provider: 'kvm', regions: ['here'], settings })

  test(
    'user-data and the token stand on the disk that the guest reads, and not in what libvirt tells of the machine',
    async () => {
      const { ask, service, until } = stage
      expect((await account(kvm.settings)).status).toBe(200)
      // Its guest never calls home, for there is none on its disk.
      const body = { ...systemBody('lab', 'one'), readiness: 'agent', size: 'small', image: 'blank' }
      expect((await ask('POST', '/v1/systems', body)).status).toBe(202)
      await until('the machine runs', async () => (await service.system('lab-one')).phase === 'booting')
      const seed = (await disksOf(kvm)).find(one => one.name.endsWith('-seed.iso'))
      const text = readFileSync(join(kvm.daemon.folder, 'pool', seed?.name ?? ''), 'latin1')
      expect(text).toContain(canaries['user-data'])
      enrolment = /\bre1\.([A-Za-z0-9_-]{43})/.exec(text)?.[1] ?? ''
      const domain = (await kvm.libvirt.domains.list()).find(one => one.name === 'lab-one')
      if (domain === undefined) throw new Error('there is no machine lab-one')
      stage.said.push(await kvm.libvirt.domains.xml(domain))
    },
    minute,
  )

  test(
    'its console; libvirt away; a way over ssh whose key is none',
    async () => {
      const { ask, reops, service, until, file } = stage
      const path = file('key', `-----BEGIN OPENSSH PRIVATE KEY-----\n${keyFile}\n-----END OPENSSH PRIVATE KEY-----\n`)
      const key = encodeURIComponent(path.slice('file:'.length))
      const refused = [
        await account({ ...kvm.settings, uri: `qemu+ssh://ops@127.0.0.1:1/session?keyfile=${key}` }),
        await account({ ...kvm.settings, uri: `qemu:///session?password=${canaries['what a bad request held']}` }),
        await account({ ...kvm.settings, home: `http://ops:${canaries['what a bad request held']}@box:7020` }),
      ]
      expect(refused.filter(one => one.status < 400)).toEqual([])
      const reading = new AbortController()
      const headers = { authorization: `Bearer ${await service.tokenFor('admin')}` }
      const console = await fetch(`${service.url()}/v1/systems/lab-one/console`, { headers, signal: reading.signal })
      const first = await console.body?.getReader().read()
      stage.said.push(Buffer.from(first?.value ?? []).toString())
      expect(stage.said.at(-1)).toContain('event: open')

      await kvm.daemon.kill()
      reading.abort()
      const { status } = await ask('POST', '/v1/accounts/lab/verify', {})
      expect(status).toBe(422)
      await ask('GET', '/v1/providers/kvm/catalog?account=lab')
      await ask('GET', '/v1/volumes?account=lab')
      await ask('PUT', '/v1/volumes/data?account=lab', { sizeGb: 1 })
      await ask('GET', '/v1/systems/lab-one/console')
      await ask('POST', '/v1/systems', { ...systemBody('lab', 'two'), size: 'small', image: 'blank' })
      await ask('DELETE', '/v1/systems/lab-one')
      await until('all say why they wait', async () =>
        (await service.systems()).every(one => one.reason !== null || one.phase === 'gone'),
      )
      await inBatches(['systems show lab-one --json', 'systems list --json', 'accounts show lab'], 3, one =>
        reops(one.split(' ')),
      )
      await kvm.daemon.start()
      for (const one of await service.systems()) await ask('DELETE', `/v1/systems/${one.id}`)
      await until('all are gone', async () => (await service.systems()).every(one => one.phase === 'gone'))
    },
    2 * minute,
  )

  test(
    'none of them stands in a log, a row, a reply, or what libvirt tells',
    async () => {
      const { service, metrics, rows, said, ask } = stage
      for (const one of ['systems', 'jobs', 'accounts', 'notices']) await ask('GET', `/v1/${one}`)
      await metrics()
      const secrets = { ...canaries, 'the content of an ssh key': keyFile, 'an enrolment token': enrolment }
      for (const one of Object.values(secrets)) expect(one.length).toBeGreaterThan(15)
      const all = { logs: service.output.join(''), rows: await rows(), replies: said.join('\n') }
      for (const [where, text] of Object.entries(all)) {
        expect(text.length).toBeGreaterThan(500)
        expect([where, findIn(text, secrets)]).toEqual([where, []])
      }
      expect(JSON.stringify(service.mote.seen)).not.toContain(enrolment)
    },
    minute,
  )
})

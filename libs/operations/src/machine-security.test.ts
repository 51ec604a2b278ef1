import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { runHere, valueHere } from './testing.ts'

const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
const vulnerabilities = '/sys/devices/system/cpu/vulnerabilities'

describe('on this machine', () => {
  test('vulnerabilities are those that the kernel lists', async () => {
    type Found = { vulnerable: number; vulnerabilities: { name: string; state: string; detail: string }[] }
    const found = await valueHere<Found>('security.vulnerabilities')
    const names = readdirSync(vulnerabilities).sort()
    expect(found.vulnerabilities.map(one => one.name).sort()).toEqual(names)
    for (const { name, state, detail } of found.vulnerabilities) {
      expect(detail).toBe(readFileSync(`${vulnerabilities}/${name}`, 'utf8').trim())
      expect(state === 'not affected').toBe(detail.startsWith('Not affected'))
    }
    expect(found.vulnerable).toBe(found.vulnerabilities.filter(one => one.state === 'vulnerable').length)
  })

  test('sessions are a list, whoever is logged in', async () => {
    expect(Array.isArray(await valueHere('session.list'))).toBe(true)
  })

  test('host.boot-id is that of the kernel; host.reboot would end that boot, and with dry does not', async () => {
    expect(await valueHere('host.boot-id')).toMatchObject({ bootId: bootId() })
    const { result } = await runHere('host.reboot', { dry: true, delaySeconds: 1 })
    const refused = { ok: false, failure: { message: expect.stringContaining('only root may reboot') } }
    const would = { ok: true, value: { changed: false, wouldChange: true, bootId: bootId() } }
    expect(result).toMatchObject(process.getuid?.() === 0 ? would : refused)
  })
})

describe('inputs that would be options, passwords or several lines are refused', () => {
  test.each<[string, unknown]>([
    ['network.resolve', { name: '-x' }],
    ['network.port', { host: 'a b', port: 1 }],
    ['network.http', { url: 'http://user:secret@example.org/' }],
    ['network.http', { url: 'file:///etc/passwd' }],
    ['restic.snapshots', { repository: 'rest:https://user:secret@example.org/', passwordFile: '/p' }],
    ['restic.snapshots', { repository: '--option', passwordFile: '/p' }],
    ['restic.snapshots', { repository: '/r', password: 'secret' }],
    ['restic.forget', { repository: '/r', passwordFile: '/p', keep: {} }],
    ['docker.run', { name: 'a', image: '--privileged' }],
    ['docker.run', { name: '-a', image: 'b' }],
    ['zfs.snapshot', { dataset: '-r', name: 'x' }],
    ['certificate.file', { path: 'relative.pem' }],
    ['osquery.query', { sql: '.tables' }],
    ['wait.file', { path: '/x', contains: 'a\nb' }],
  ])('%s %j', async (name, input) => {
    await expect(runHere(name, input)).rejects.toThrow('input')
  })
})

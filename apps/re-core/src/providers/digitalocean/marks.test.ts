import { describe, expect, test } from '@jest/globals'
import { newId, type CallHome } from '@re-ops/protocols'
import fc from 'fast-check'
import { identityOf } from '../identity.ts'
import { classifyDo, DoRefusal, DoSilence } from './errors.ts'
import { encode, expiryOf, identityTags, machineName, pairOf, suffixIn, suffixOf, tagOf } from './marks.ts'
import { planCreate } from './plan.ts'
import { tokenOf } from './settings.ts'

const identity = identityOf(newId(), newId(), 2, 1)
const spec = { name: 'one', type: 'web', size: 'small', image: 'debian-12', callHome: null }
const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as Error).message
  }
  return 'none'
}

describe('tags of DigitalOcean', () => {
  test('any key and value come back, in letters that a tag may have, whatever their case', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 8 })
    fc.assert(
      fc.property(text, text, (key, value) => {
        fc.pre(!key.startsWith('recore:') && `${encode(key)}:${encode(value)}`.length <= 255)
        const tag = tagOf(key, value)
        expect(tag).toMatch(/^[a-z0-9_:-]*$/)
        expect(pairOf(tag.toLowerCase())).toEqual([key, value])
      }),
    )
  })

  test('those of the identity are as they are written, and its end in seconds', () => {
    const tags = identityTags(identity, '2026-12-01T00:00:00.500Z')
    expect(tags).toContain(`recore:vm:${identity.vmId}`)
    const pairs = Object.fromEntries(tags.map(pairOf))
    expect(expiryOf(pairs)).toBe('2026-12-01T00:00:00.000Z')
    expect(expiryOf({})).toBeUndefined()
  })

  test('tags of others are read as they are', () => {
    expect([pairOf('web'), pairOf('a:b:c'), pairOf('my_tag')]).toEqual([
      ['web', ''],
      ['a', 'b:c'],
      ['my_tag', ''],
    ])
  })

  test('a name ends with the identity, and is one that DigitalOcean takes', () => {
    const name = machineName('web_1.', suffixOf(identity))
    expect(name).toMatch(/^[a-zA-Z0-9]?[a-z0-9A-Z.-]*[a-z0-9A-Z]$/)
    expect(suffixIn(name)).toBe(suffixOf(identity))
    expect(suffixOf(identityOf(identity.installation, identity.vmId, 3, 1))).not.toBe(suffixOf(identity))
  })
})

describe('the create request', () => {
  test('names what is wrong and what is allowed', () => {
    const plan = (more: object) => refusal(() => planCreate({}, 'nyc3', { ...spec, ...more }, identity))
    expect(plan({ size: 'huge' })).toBe(
      'size is huge; allowed of provider digitalocean: small, medium, large, xlarge or a slug as s-1vcpu-1gb',
    )
    expect(plan({ image: 'Debian' })).toContain('allowed of provider digitalocean: debian-12')
    expect(plan({ tags: { 'recore:vm': 'x' } })).toContain('tag recore:vm is reserved')
    expect(plan({ tags: { note: 'ü'.repeat(200) } })).toContain('tag note is too long')
    expect(plan({ userData: 'x'.repeat(65_537) })).toContain(
      'user-data has 65537 bytes; allowed of provider digitalocean: 65536',
    )
    expect(plan({ zones: ['a'] })).toContain('has none')
    expect(plan({ market: 'spot' })).toContain('allowed of provider digitalocean: on-demand')
    expect(plan({ diskGb: 10 })).toContain('the size decides')
  })

  test('holds what calls home and nothing of the account’s secret', () => {
    const callHome: CallHome = { url: 'http://mote', token: 'enrol', name: 'one', labels: {} }
    const { body } = planCreate({ sshKeys: ['123'], vpc: 'v' }, 'fra1', { ...spec, callHome }, identity)
    expect(body).toMatchObject({
      region: 'fra1',
      size: 's-1vcpu-1gb',
      image: 'debian-12-x64',
      ssh_keys: ['123'],
      vpc_uuid: 'v',
    })
    expect(body['user_data']).toContain('enrol')
    expect(planCreate({}, 'nyc3', { ...spec, image: '123' }, identity).body['image']).toBe(123)
  })
})

describe('errors of DigitalOcean', () => {
  test.each([
    [401, '', 'auth'],
    [403, '', 'denied'],
    [404, '', 'not-found'],
    [409, 'something', 'conflict'],
    [409, 'A volume that is attached to a Droplet cannot be deleted', 'busy'],
    [422, 'Droplet already has a pending event.', 'busy'],
    [422, 'Droplet must be powered off before resizing.', 'busy'],
    [422, 'creating this/these droplet(s) will exceed your droplet limit', 'quota'],
    [422, 'Size is not available in this region.', 'capacity'],
    [422, 'This size is not available because it has a smaller disk.', 'invalid'],
    [422, 'SSH Key is already in use on your account', 'conflict'],
    [422, 'Name only valid hostname characters', 'invalid'],
    [429, '', 'throttled'],
    [500, '', 'transient'],
    [503, '', 'transient'],
  ])('%i %s is %s', (status, message, kind) => {
    const outcome = status >= 500 ? 'unknown' : 'not-applied'
    expect(classifyDo(new DoRefusal(status, 'x', message), true)).toMatchObject({ kind, outcome })
    expect(classifyDo(new DoRefusal(status, 'x', message), false)).toMatchObject({ kind, outcome: 'not-applied' })
  })

  test('silence after a change leaves it open; something else is a bug', () => {
    expect(classifyDo(new DoSilence('no answer'), true)).toMatchObject({ kind: 'transient', outcome: 'unknown' })
    expect(classifyDo(new Error('oops'), true)).toMatchObject({ kind: 'bug' })
  })

  test('a secret that is none is refused without its text', () => {
    expect(tokenOf(' dop_v1_0123456789 \n')).toBe('dop_v1_0123456789')
    expect(refusal(() => tokenOf('my secret token'))).not.toContain('my secret')
    expect(refusal(() => tokenOf(null))).toContain('API token')
  })
})
